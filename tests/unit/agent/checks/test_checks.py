import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.agent.checks.checks import Checks
from cloche.agent.checks.settling import Settled
from cloche.agent.log import Log
from cloche.agent.loop import Loop, Task
from cloche.agent.population import Population
from cloche.agent.procfs import read_process

from .conftest import DropInDirectory, Until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FOR_EVER = "{ trap '' TERM; sleep 60; }"


class Rig:
    """Checks under test, with what they log and the state that their integrations keep."""

    def __init__(self, loop: Loop, drop_ins: DropInDirectory, tmp_path: Path) -> None:
        self.loop = loop
        self.state_root = tmp_path / "state"
        self.log = tempfile.TemporaryFile(dir=tmp_path)  # noqa: SIM115  # closed by the fixture
        log = Log("info", fd=self.log.fileno())
        self.population = Population(owns_namespace=False)
        self.checks = Checks(loop, log, [str(drop_ins.root)], self.population, str(self.state_root))
        self.task: Task | None = None

    def start(self) -> None:
        self.task = self.loop.spawn(self.checks.run(), "checks")

    async def stop(self) -> None:
        assert self.task is not None
        await self.loop.stop(self.task)

    def run(self, main: Callable[[], Any]) -> None:
        """Run the checks for as long as `main` takes."""

        async def whole() -> None:
            self.start()
            await self.loop.sleep(0)
            await main()
            await self.stop()

        self.loop.run(whole())

    def integration(self, name: str) -> dict[str, Any]:
        return next(report for report in self.checks.integration_reports() if report["name"] == name)

    def probe(self, name: str) -> dict[str, Any] | None:
        return next((result for result in self.checks.probe_results() if result["name"] == name), None)

    def status(self, name: str) -> object:
        return self.integration(name)["status"]

    def logged(self, msg: str) -> list[dict[str, Any]]:
        self.log.seek(0)
        return [line for line in map(json.loads, self.log) if line["msg"] == msg]


@pytest.fixture
def rig(loop: Loop, drop_ins: DropInDirectory, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(loop, drop_ins, tmp_path)
    yield rig
    rig.log.close()


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


def test_reports_have_the_published_keys_and_what_is_true(rig: Rig, drop_ins: DropInDirectory, until: Until) -> None:
    drop_ins.integration("db", health_cmd="echo no route >&2; exit 3")
    drop_ins.integration("cache", health_cmd="true")
    drop_ins.integration("silent")
    drop_ins.probe("disk", "echo '{\"free\": 3}'", output_format="json")
    drop_ins.probe("mount", "kill -9 $$")
    drop_ins.probe("broken", "echo free", output_format="json")
    drop_ins.probe("slow", "sleep 60")

    async def main() -> None:
        assert [report["name"] for report in rig.checks.integration_reports()] == ["cache", "db", "silent"]
        assert rig.checks.probe_results() == []
        await until(lambda: len(rig.checks.probe_results()) == 3 and rig.status("db") != "pending")
        await until(lambda: rig.status("cache") == "active")

    rig.run(main)
    db = rig.integration("db")
    assert TIME.fullmatch(db["health"].pop("checked_at"))
    assert db == {
        "name": "db",
        "status": {"error": "no route"},
        "last_checkpoint_at": None,
        "state_size_bytes": 0,
        "health": {"healthy": False, "detail": "no route"},
    }
    assert (rig.status("silent"), rig.integration("silent")["health"]) == ("pending", None)
    results = rig.checks.probe_results()
    assert all(TIME.fullmatch(result.pop("checked_at")) for result in results)
    assert results == [
        {"name": "broken", "healthy": False, "detail": "output is not JSON"},
        {"name": "disk", "healthy": True, "detail": "ok", "output": {"free": 3}},
        {"name": "mount", "healthy": False, "detail": "killed by signal 9"},
    ]


def test_within_its_grace_one_that_fails_is_starting_and_its_health_is_told_all_the_same(
    rig: Rig, drop_ins: DropInDirectory, until: Until
) -> None:
    drop_ins.integration("graced", health_cmd="exit 1", startup_grace_secs=60)
    drop_ins.integration("short", health_cmd="exit 1", startup_grace_secs=1)
    drop_ins.integration("well", health_cmd="true", startup_grace_secs=60)

    async def main() -> None:
        assert [rig.status(name) for name in ("graced", "short", "well")] == ["starting"] * 3
        await until(lambda: rig.integration("graced")["health"] and rig.status("well") == "active")
        assert rig.status("graced") == "starting"
        assert rig.integration("graced")["health"]["healthy"] is False
        await until(lambda: rig.status("short") == {"error": "exit code 1"})

    rig.run(main)


def test_a_hundred_checks_run_beside_one_that_hangs(rig: Rig, drop_ins: DropInDirectory, until: Until) -> None:
    for number in range(100):
        drop_ins.probe(f"p{number:02}", f"echo {number}; exit 0", output_format="json")
    for number in range(4):
        drop_ins.integration(f"hung{number}", health_cmd=FOR_EVER)

    async def main() -> None:
        await until(lambda: len(rig.checks.probe_results()) == 100)

    rig.run(main)
    assert [result["output"] for result in rig.checks.probe_results()] == list(range(100))
    assert rig.status("hung0") == "pending"


def test_reload_keeps_what_has_not_changed_and_ends_what_has_gone(
    rig: Rig, drop_ins: DropInDirectory, until: Until, tmp_path: Path
) -> None:
    runs, pids = tmp_path / "runs", tmp_path / "pids"
    drop_ins.probe("kept", f"echo run >> {runs}", interval_secs=3600)
    drop_ins.probe("changed", "exit 1", interval_secs=3600)
    hung = drop_ins.probe("removed", f"echo $$ >> {pids}; {FOR_EVER}")
    drop_ins.integration("graced", health_cmd="exit 1", startup_grace_secs=60)

    async def main() -> None:
        await until(lambda: rig.probe("kept") and rig.probe("changed") and lines(pids))
        kept = rig.probe("kept")
        hung.unlink()
        drop_ins.probe("changed", "exit 0", interval_secs=3600)
        drop_ins.probe("added", "exit 0")
        rig.checks.reload()
        assert rig.checks.probe_results() == [kept]
        await until(lambda: rig.probe("added") and rig.probe("changed"))
        assert rig.probe("changed")["healthy"] is True
        await until(lambda: not is_alive(int(lines(pids)[0])))
        for _ in range(3):
            rig.checks.reload()
        assert rig.status("graced") == "starting"

    rig.run(main)
    assert lines(runs) == ["run"]
    assert len(lines(pids)) == 1


def test_a_changed_definition_begins_a_new_grace(rig: Rig, drop_ins: DropInDirectory, until: Until) -> None:
    drop_ins.integration("a", health_cmd="exit 1")

    async def main() -> None:
        await until(lambda: rig.status("a") == {"error": "exit code 1"})
        drop_ins.integration("a", health_cmd="exit 1", startup_grace_secs=60)
        rig.checks.reload()
        assert (rig.status("a"), rig.integration("a")["health"]) == ("starting", None)

    rig.run(main)


def test_what_is_skipped_is_logged_each_time_and_an_unknown_key_once(rig: Rig, drop_ins: DropInDirectory) -> None:
    drop_ins.integration("odd", vendor="x")
    drop_ins.write("probes.d", "bad.json", b"{")

    async def main() -> None:
        rig.checks.reload()
        drop_ins.integration("odd", vendor="x", other="y")
        rig.checks.reload()

    rig.run(main)
    assert [Path(line["path"]).name for line in rig.logged("drop-in skipped")] == ["bad.json"] * 3
    assert {line["reason"] for line in rig.logged("drop-in skipped")} == {"not JSON"}
    assert [line["reason"] for line in rig.logged("drop-in")] == ["unknown keys: vendor", "unknown keys: other, vendor"]


def test_a_change_of_health_is_logged_and_what_a_command_says_is_not(
    rig: Rig, drop_ins: DropInDirectory, until: Until
) -> None:
    drop_ins.probe("p", "echo password=hunter2 | tee /dev/stderr; exit 1", interval_secs=1)

    async def main() -> None:
        await until(lambda: rig.probe("p"))

    rig.run(main)
    (line,) = rig.logged("check")
    assert (line["kind"], line["name"], line["healthy"]) == ("probe", "p", False)
    rig.log.seek(0)
    assert b"hunter2" not in rig.log.read()


def test_asleep_nothing_runs_and_what_was_active_is_paused(
    rig: Rig, drop_ins: DropInDirectory, until: Until, tmp_path: Path
) -> None:
    pids, runs = tmp_path / "pids", tmp_path / "runs"
    drop_ins.integration("well", health_cmd=f"echo run >> {runs}", health_interval_secs=3600)
    drop_ins.integration("ill", health_cmd="exit 1")
    drop_ins.integration("hung", health_cmd=f"echo $$ >> {pids}; {FOR_EVER}", startup_grace_secs=60)

    async def main() -> None:
        await until(lambda: rig.status("well") == "active" and rig.integration("ill")["health"] and lines(pids))
        await rig.checks.pause()
        assert not is_alive(int(lines(pids)[0]))
        assert [rig.status(name) for name in ("well", "ill", "hung")] == [
            "paused",
            {"error": "exit code 1"},
            "starting",
        ]
        drop_ins.probe("added", "true")
        rig.checks.reload()
        assert rig.checks.probe_results() == []
        rig.checks.resume()
        assert rig.status("well") == "active"
        await until(lambda: len(lines(runs)) == 2 and rig.probe("added") and len(lines(pids)) == 2)

    rig.run(main)


def test_cancelled_all_commands_end(rig: Rig, drop_ins: DropInDirectory, until: Until, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    for number in range(3):
        drop_ins.probe(f"p{number}", f"(echo $$ >> {pids}; {FOR_EVER}) & {FOR_EVER}")
    drop_ins.integration("i", checkpoint_cmd=f"echo $$ >> {pids}; {FOR_EVER}")
    settled: list[Settled] = []

    async def checkpoint() -> None:
        settled.append(await rig.checks.checkpoint((), 60))

    async def main() -> None:
        task = rig.loop.spawn(checkpoint(), "checkpoint")
        await until(lambda: len(lines(pids)) == 4)
        await rig.stop()
        await task.done.wait()

    rig.run(main)
    assert not any(is_alive(int(pid)) for pid in lines(pids))
    assert settled[0].failed == ("i",)
    assert "ended" in settled[0].detail


def test_a_checkpoint_runs_the_commands_and_tells_when_and_how_much(
    rig: Rig, drop_ins: DropInDirectory, tmp_path: Path
) -> None:
    state = rig.state_root / "db" / "state"
    drop_ins.integration("db", checkpoint_cmd=f"mkdir -p {state}; printf 12345 > {state}/dump")
    drop_ins.integration("cache", checkpoint_cmd="echo full >&2; exit 1")
    drop_ins.integration("main", checkpoint_cmd="exit 2", critical=True)
    drop_ins.integration("none", critical=True)
    settled: list[Settled] = []

    async def main() -> None:
        settled.append(await rig.checks.checkpoint((), 5))
        settled.append(await rig.checks.checkpoint(["db", "none", "db"], 5))
        settled.append(await rig.checks.checkpoint(["nobody", "db"], 5))
        settled.append(await rig.checks.checkpoint(["none"], 0))

    rig.run(main)
    assert settled == [
        Settled(("cache", "main"), ("main",), "cache: full; main: exit code 2", ("db",)),
        Settled(done=("db",)),
        Settled(("nobody",), (), "nobody: there is no such integration", ("db",)),
        Settled(),
    ]
    db, cache, none = (rig.integration(name) for name in ("db", "cache", "none"))
    assert TIME.fullmatch(db["last_checkpoint_at"])
    assert db["state_size_bytes"] == 5
    assert [(one["last_checkpoint_at"], one["state_size_bytes"]) for one in (cache, none)] == [(None, 0)] * 2


def test_the_last_good_checkpoint_is_told_until_its_integration_goes(rig: Rig, drop_ins: DropInDirectory) -> None:
    drop_ins.integration("a", checkpoint_cmd="true")

    async def main() -> None:
        await rig.checks.checkpoint((), 5)
        at = rig.integration("a")["last_checkpoint_at"]
        assert at is not None
        path = drop_ins.integration("a", checkpoint_cmd="false")
        rig.checks.reload()
        await rig.checks.checkpoint((), 5)
        assert rig.integration("a")["last_checkpoint_at"] == at
        path.unlink()
        rig.checks.reload()
        assert rig.checks.integration_reports() == []
        drop_ins.integration("a")
        rig.checks.reload()
        assert rig.integration("a")["last_checkpoint_at"] is None

    rig.run(main)


def test_a_checkpoint_that_is_not_done_in_time_is_killed_and_has_failed(
    rig: Rig, drop_ins: DropInDirectory, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    drop_ins.integration("slow", checkpoint_cmd=f"(echo $$ >> {pids}; {FOR_EVER}) & {FOR_EVER}", critical=True)
    drop_ins.integration("quick", checkpoint_cmd="true")
    settled: list[Settled] = []

    async def main() -> None:
        settled.append(await rig.checks.checkpoint((), 0.5))

    rig.run(main)
    assert settled == [Settled(("slow",), ("slow",), "slow: timed out after 0.5 s", ("quick",))]
    assert not any(is_alive(int(pid)) for pid in lines(pids))


def test_no_command_of_an_integration_runs_twice_at_once(rig: Rig, drop_ins: DropInDirectory, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    drop_ins.integration("a", checkpoint_cmd=f"mkdir {inside} && sleep 0.1 && rmdir {inside}")
    settled: list[Settled] = []

    async def checkpoint(within_s: float) -> None:
        settled.append(await rig.checks.checkpoint((), within_s))

    async def main() -> None:
        tasks = [rig.loop.spawn(checkpoint(within_s), "checkpoint") for within_s in (5, 5, 0)]
        for task in tasks:
            await task.done.wait()

    rig.run(main)
    assert [one.done for one in settled] == [(), ("a",), ("a",)]
    assert settled[0].detail == "a: an earlier checkpoint or restore took all the time"


def test_a_checkpoint_works_while_checks_are_paused_and_hang(
    rig: Rig, drop_ins: DropInDirectory, until: Until, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    for number in range(10):
        drop_ins.integration(f"i{number}", health_cmd=f"echo $$ >> {pids}; {FOR_EVER}", checkpoint_cmd="true")
    settled: list[Settled] = []

    async def main() -> None:
        await until(lambda: len(lines(pids)) == 8)
        settled.append(await rig.checks.checkpoint((), 5))
        await rig.checks.pause()
        settled.append(await rig.checks.checkpoint((), 5))

    rig.run(main)
    assert [len(one.done) for one in settled] == [10, 10]


def test_what_a_restore_command_starts_lives_on(rig: Rig, drop_ins: DropInDirectory, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    drop_ins.integration("service", restore_cmd=f"(sleep 60) & echo $! > {pid_file}", critical=True)
    drop_ins.integration("other", restore_cmd="exit 3", critical=True)
    drop_ins.integration("none")
    settled: list[Settled] = []

    async def main() -> None:
        settled.append(await rig.checks.restore(5, ["service", "none"]))
        settled.append(await rig.checks.restore(5))

    rig.run(main)
    try:
        assert settled[0] == Settled(done=("service",))
        assert settled[1] == Settled(("other",), ("other",), "other: exit code 3", ("service",))
        assert is_alive(int(pid_file.read_text()))
    finally:
        for process in rig.population.guests():
            if process.ppid != os.getpid() and process.name == "sleep":
                os.kill(process.pid, 9)


def test_a_checkpoint_that_nobody_waits_for_any_more_ends_and_makes_room(
    rig: Rig, drop_ins: DropInDirectory, until: Until, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    drop_ins.integration("a", checkpoint_cmd=f"echo $$ >> {pids}; [ $(wc -l < {pids}) != 1 ] || {FOR_EVER}")
    settled: list[Settled] = []

    async def checkpoint() -> None:
        settled.append(await rig.checks.checkpoint((), 60))

    async def main() -> None:
        task = rig.loop.spawn(checkpoint(), "checkpoint")
        await until(lambda: lines(pids))
        await rig.loop.stop(task)
        await checkpoint()

    rig.run(main)
    assert settled == [Settled(done=("a",))]
    assert not is_alive(int(lines(pids)[0]))


def test_what_was_read_before_it_runs_is_run_too(rig: Rig, drop_ins: DropInDirectory, until: Until) -> None:
    drop_ins.probe("p", "true")
    rig.checks.reload()
    assert rig.loop.task_count == 0

    async def main() -> None:
        await until(lambda: rig.probe("p"))

    rig.run(main)


def test_before_it_runs_there_is_nothing_to_tell_and_nothing_runs(rig: Rig, drop_ins: DropInDirectory) -> None:
    drop_ins.probe("p", "true")
    assert rig.checks.integration_reports() == []
    assert rig.checks.probe_results() == []
    rig.checks.resume()
    assert rig.loop.task_count == 0
