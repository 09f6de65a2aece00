import asyncio
import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import run
import soak
from cloche.testing.daemon import DaemonProcess
from cloche.testing.surroundings import own_control_groups
from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.results import Results
from side_by_side.scenarios.lifecycle import ONE
from side_by_side.world import World
from soaking.deeds import DEEDS
from soaking.readings import MACHINE_KINDS, NOT_ENDED, take


class Working(Adapter):
    name = "working"
    title = "one that works"
    note = "nothing"

    async def create(self) -> Lease:
        return Lease("")

    async def release(self, lease: Lease) -> None:
        """It has nothing to end."""


class Broken(Working):
    name = "broken"
    title = "one that does not start"
    note = "nothing"
    closed = 0

    async def open(self) -> None:
        raise RuntimeError("the port is taken")

    async def close(self) -> None:
        Broken.closed += 1


async def test_a_peer_that_does_not_start_does_not_take_down_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    found = Results("x", {}, {})
    async with AsyncExitStack() as stack:
        able = await run.started([Broken(World()), Working(World())], found, stack)

    assert [adapter.name for adapter in able] == ["working"]
    assert found.broken == {"broken": "RuntimeError: the port is taken"}
    assert list(found.peers) == ["working"]
    assert Broken.closed == 1, "what it had begun is taken back"
    assert "broken did not start" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["nosuch"], ["--adapter", "nosuch"], ["--setting", "pool_size"]])
def test_what_makes_no_sense_is_refused_before_anything_starts(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        run.parse(wrong)


def test_by_default_everything_is_run_and_nothing_of_the_docs_is_touched() -> None:
    options = run.parse([])

    assert (options.scenario, options.adapter, options.report, options.out) == ([], [], False, None)
    assert run.ROOT / ".cloche" in run.OUT.parents


@pytest.mark.usefixtures("local_web")  # its event loop is the first, and leaves a pipe to the process
def test_raw_and_cloche_side_by_side_for_one_round(tmp_path: Path) -> None:
    arguments = ["--adapter", "raw", "--adapter", "cloche-cold", "--out", str(tmp_path)]
    run.main(["lifecycle", "--rounds", "1", "--concurrency", "2", "--rounds-at-once", "1", *arguments])

    found = Results.from_json((tmp_path / "lifecycle.json").read_text())
    assert {name: each.failed for (name, _), each in found.failures.items()} == {"raw": 0, "cloche-cold": 0}
    for name in ("raw", "cloche-cold"):
        assert len(found.values[name, ONE, "total"]) == 1
        assert len(found.values[name, "2 at once", "total"]) == 2
        parts = [found.values[name, ONE, stage][0] for stage in ("create", "connect", "page", "release")]
        assert min(parts) > 0
        assert sum(parts) <= found.values[name, ONE, "total"][0] * 1.01
    assert {"lifecycle.json", "report.md", "plots"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.usefixtures("local_web")
def test_a_soak_of_a_few_sessions_leaves_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--sessions", "1", "--batch", str(len(DEEDS)), "--daemon-kills", "1", "--sleepers", "2"]
    assert soak.main([*few, "--out", str(tmp_path)]) == 0

    out = capsys.readouterr().out
    kept = json.loads((tmp_path / "soak.json").read_text())
    done = {name: found["tried"] for _, name, found in kept["failures"]}
    assert done.keys() == {*DEEDS, soak.KILLED}
    assert "sessions ended" in out
    series = {kind: values for _, case, kind, values in kept["series"] if case == "readings"}
    assert series["processes"][-1] == series["processes"][0]
    assert series["rows: sessions that have not ended"][-1] == 0


async def test_what_a_living_session_holds_is_seen_and_is_gone_after_it() -> None:
    """The readings of a soak can fail: they count."""
    kinds = MACHINE_KINDS.keys() - {"run directory, MiB", "state directory, MiB"}
    async with DaemonProcess(pool_size=0) as daemon:
        await end(daemon, await daemon.create_session())  # the first leaves a lock file for all
        before = await take(daemon)
        session = await daemon.create_session()
        during = await take(daemon)
        await end(daemon, session)
        async with asyncio.timeout(10):
            while {kind for kind, value in (await take(daemon)).items() if value != before[kind]} & kinds:
                await asyncio.sleep(0.05)

    more = {kind for kind in during if during[kind] > before[kind]}
    assert {"processes", "run directory, entries", NOT_ENDED, "rows: sessions", "rows: session_events"} <= more
    assert ("control groups" in more) is bool(own_control_groups())
    assert during["uids reserved"] == before["uids reserved"] + (os.geteuid() == 0)


async def end(daemon: DaemonProcess, session: dict[str, Any]) -> None:
    assert (await daemon.request("DELETE", f"/v1/sessions/{session['id']}")).status < 300
