import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from cloche.process.pidfd import ProcessHandle, ProcessIdentity, boot_id, identify, parse_identity, start_time


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_an_identity_survives_json(child: subprocess.Popen[bytes]) -> None:
    identity = identify(child.pid)
    assert identity is not None
    assert parse_identity(identity.encode()) == identity


@pytest.mark.parametrize("value", [None, {}, {"pid": "1"}, {"pid": -1, "start_time": 1, "boot_id": "x"}, [1, 2]])
def test_what_is_no_identity_is_none(value: object) -> None:
    assert parse_identity(value) is None


def test_a_process_that_is_gone_or_a_zombie_has_no_start_time(child: subprocess.Popen[bytes]) -> None:
    assert start_time(child.pid) is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None
    child.wait()
    assert start_time(child.pid) is None


def test_another_process_under_the_same_pid_is_not_opened(child: subprocess.Popen[bytes]) -> None:
    identity = identify(child.pid)
    assert identity is not None
    assert ProcessHandle.open(ProcessIdentity(identity.pid, identity.start_time + 1, identity.boot_id)) is None
    assert ProcessHandle.open(ProcessIdentity(identity.pid, identity.start_time, "another boot")) is None


async def test_waiting_tells_the_end_from_the_deadline(child: subprocess.Popen[bytes]) -> None:
    handle = await asyncio.to_thread(ProcessHandle.open_child, child.pid)
    assert handle.is_alive()
    assert not await handle.wait(0.01)
    handle.send(signal.SIGKILL)
    assert await handle.wait(5)
    assert not handle.is_alive()
    handle.close()


def test_every_method_is_harmless_after_the_end(child: subprocess.Popen[bytes]) -> None:
    handle = ProcessHandle.open_child(child.pid)
    child.kill()
    child.wait()
    handle.send(signal.SIGTERM)
    handle.reap()
    handle.close()
    handle.close()
    handle.send(signal.SIGTERM)
    assert not handle.is_alive()


def test_a_child_is_pinned_even_when_it_has_died_already(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    handle = ProcessHandle.open_child(child.pid)
    assert not handle.is_alive()
    assert handle.identity.boot_id == boot_id()
    handle.close()
