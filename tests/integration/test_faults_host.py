"""A host that lacks something: bubblewrap, user namespaces, room on its disks. Told, survived, and mended."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.http import Answer
from cloche.testing.tmpfs import filled, tmpfs, without_inodes
from cloche.testing.traces import await_no_traces, traces

START_TIMEOUT_S = 2.0

# What bubblewrap 0.8 says where unshare(2) fails with EPERM, and a bubblewrap that is broken in other ways.
FORBIDDEN = "echo 'bwrap: No permissions to create new namespace, likely because …' >&2; exit 1"
DYING = "exit 1"
HANGING = "exec sleep 1000"


@pytest.fixture(scope="module")
def _mendable(stub_browser: Path) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(chromium_shell=stub_browser, start_timeout_s=START_TIMEOUT_S)
    daemon.settings["bubblewrap"] = daemon.directory / "bin" / "bwrap"
    bubblewrap_of(daemon).parent.mkdir(mode=0o755)
    mend(daemon)
    with daemon:
        yield daemon


@pytest.fixture
async def mendable(_mendable: DaemonProcess) -> AsyncIterator[DaemonProcess]:
    """A daemon whose bubblewrap may be broken; it is mended afterwards, and then a session must start."""
    yield _mendable
    mend(_mendable)
    session = await _mendable.create_session()
    await _mendable.request("DELETE", f"/v1/sessions/{session['id']}")
    await await_no_traces(_mendable)
    assert (await _mendable.request("GET", "/readyz")).status == 200


def bubblewrap_of(daemon: DaemonProcess) -> Path:
    return Path(str(daemon.settings["bubblewrap"]))


def mend(daemon: DaemonProcess) -> None:
    bubblewrap_of(daemon).unlink(missing_ok=True)
    found = shutil.which("bwrap")
    assert found is not None, "`cloche doctor` tells how to get bubblewrap"
    bubblewrap_of(daemon).symlink_to(found)


def replace_bubblewrap(daemon: DaemonProcess, script: str) -> None:
    bubblewrap_of(daemon).unlink()
    bubblewrap_of(daemon).write_text(f"#!/bin/sh\n{script}\n")
    bubblewrap_of(daemon).chmod(0o755)


async def create(daemon: DaemonProcess, **body: object) -> Answer:
    return await daemon.request("POST", "/v1/sessions", body, timeout_s=20)


async def assert_refused(daemon: DaemonProcess, reason: str) -> None:
    answer = await create(daemon)
    assert (answer.status, answer.json["code"], answer.json["reason"]) == (502, "start_failed", reason)
    await await_no_traces(daemon)


async def test_a_missing_bubblewrap_fails_the_start_and_readiness(mendable: DaemonProcess) -> None:
    bubblewrap_of(mendable).unlink()
    await assert_refused(mendable, "bubblewrap_missing")
    answer = await mendable.request("GET", "/readyz")
    assert (answer.status, answer.json["reasons"]["sandbox"]) == (503, "bubblewrap is not installed on the server")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (FORBIDDEN, "user_namespaces_forbidden"),
        (DYING, "sandbox_died_at_start"),
        (HANGING, "start_timeout"),
        ("kill -9 $$", "sandbox_died_at_start"),
        ("exec bwrap --version", "sandbox_died_at_start"),
    ],
)
async def test_a_bubblewrap_that_fails_is_told_by_its_reason(mendable: DaemonProcess, script: str, reason: str) -> None:
    replace_bubblewrap(mendable, script)
    await assert_refused(mendable, reason)


async def test_a_bubblewrap_that_is_no_program_is_told(mendable: DaemonProcess) -> None:
    bubblewrap_of(mendable).unlink()
    bubblewrap_of(mendable).write_bytes(b"\x00\x01\x02")
    bubblewrap_of(mendable).chmod(0o755)
    await assert_refused(mendable, "sandbox_died_at_start")


async def test_what_bubblewrap_said_is_in_the_log_and_not_in_the_answer(mendable: DaemonProcess) -> None:
    replace_bubblewrap(mendable, "echo 'bwrap: secret detail' >&2; exit 1")
    answer = await create(mendable)
    assert b"secret detail" not in answer.body
    await mendable.wait_for_log("sandbox_not_started", lambda line: "secret detail" in line["output"])


async def test_three_starts_in_a_row_that_fail_are_told_by_readiness_until_one_succeeds(
    mendable: DaemonProcess,
) -> None:
    for _ in range(3):
        assert (await create(mendable, user_agent="crash")).status == 502
    answer = await mendable.request("GET", "/readyz")
    assert (answer.status, list(answer.json["reasons"])) == (503, ["starts"])
    session = await mendable.create_session()
    assert (await mendable.request("GET", "/readyz")).status == 200
    await mendable.request("DELETE", f"/v1/sessions/{session['id']}")


async def test_a_kernel_without_user_namespaces_fails_starts_and_readiness(stub_browser: Path) -> None:
    """The real thing: the daemon lives in a user namespace that may have none below it."""
    daemon = DaemonProcess(chromium_shell=stub_browser)
    none_below = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'
    words = ("unshare", "--user", "--map-root-user", "sh", "-c", none_below)
    daemon.command = ("-c", f"import os, sys; os.execvp('unshare', [*{words!r}, sys.executable, *{daemon.command!r}])")
    async with daemon:
        await assert_refused(daemon, "user_namespaces_forbidden")
        answer = await daemon.request("GET", "/readyz")
        assert (answer.status, list(answer.json["reasons"])) == (503, ["walls"])


async def test_a_full_run_directory_fails_starts_cleanly_and_spares_what_runs(stub_browser: Path) -> None:
    with tmpfs("size=256k,nr_inodes=60") as disk:
        daemon = DaemonProcess(chromium_shell=stub_browser)
        daemon.run_dir = disk
        async with daemon:
            running = await daemon.create_session()
            before = set(daemon.run_dir.iterdir())
            with filled(daemon.run_dir):
                await assert_run_dir_full(daemon, before)
                assert (await daemon.request("GET", "/readyz")).json["reasons"]["room"] == "the run directory is full"
                assert (await daemon.request("GET", f"/v1/sessions/{running['id']}/json/list")).status == 200
            # However far a start gets before there is no inode left, it fails in the same way.
            for leave in range(6):
                with without_inodes(daemon.run_dir, leave=leave):
                    await assert_run_dir_full(daemon, before)
            second = await daemon.create_session()
            for session in (running, second):
                await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
            await await_no_traces(daemon)


async def assert_run_dir_full(daemon: DaemonProcess, before: set[Path]) -> None:
    answer = await create(daemon)
    assert (answer.status, answer.json.get("reason")) == (502, "run_dir_full")
    async with asyncio.timeout(5):  # what is left of a start is removed behind the answer
        while not {path for path in daemon.run_dir.iterdir() if path.name.startswith("ses_")} <= before:
            await asyncio.sleep(0.01)


async def test_a_full_database_refuses_new_sessions_and_spares_what_runs(stub_browser: Path) -> None:
    with tmpfs("size=2m") as disk:
        url = f"sqlite:///{disk / 'cloche.db'}"
        async with DaemonProcess(chromium_shell=stub_browser, max_sessions=3, database_url=url) as daemon:
            running = await daemon.create_session()
            with filled(disk):
                for _ in range(5):  # more than there are places, were one lost each time
                    answer = await create(daemon)
                    # The journal is in the same database, and is asked first once it is known to fail.
                    told = (answer.status, answer.json["code"])
                    assert told in {(500, "internal"), (503, "audit_unavailable")}
                ready = await daemon.request("GET", "/readyz")
                assert "room" in ready.json["reasons"]
                assert (await daemon.request("GET", f"/v1/sessions/{running['id']}/json/list")).status == 200
                assert (await daemon.request("GET", "/v1/sessions")).status == 200
            async with asyncio.timeout(5):
                while "audit" in (await daemon.request("GET", "/readyz")).json.get("reasons", {}):
                    await asyncio.sleep(0.1)
            more = [await daemon.create_session() for _ in range(2)]
            assert (await create(daemon)).status == 503
            for session in (running, *more):
                ended = await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
                assert ended.json["status"] == "closed"
                events = await daemon.request("GET", f"/v1/sessions/{session['id']}/events")
                assert b"session.closed" in events.body, "events are written again"
            await await_no_traces(daemon)
            assert await daemon.terminate() == 0


async def test_a_session_that_ends_while_the_database_is_full_is_ended_all_the_same(stub_browser: Path) -> None:
    with tmpfs("size=2m") as disk:
        url = f"sqlite:///{disk / 'cloche.db'}"
        async with DaemonProcess(chromium_shell=stub_browser, database_url=url) as daemon:
            session = await daemon.create_session()
            with filled(disk):
                await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
                await await_no_traces(daemon)
            await daemon.kill9()
            await daemon.restart()
            ended = await daemon.request("GET", f"/v1/sessions/{session['id']}")
            assert ended.json["status"] in ("closed", "failed")
            assert traces(daemon) == []
