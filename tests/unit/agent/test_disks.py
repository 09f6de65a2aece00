"""Threads that hang, fail and end, on the real loop; a real file system synced; never the machine's own caches."""

import ctypes
import errno
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from cloche.agent import disks
from cloche.agent.disks import Disks
from cloche.agent.loop import Loop

FAILURES: list[str] = []


@pytest.fixture(autouse=True)
def no_task_fails() -> Iterator[None]:
    FAILURES.clear()
    yield
    assert not FAILURES


def soon() -> float:
    return time.monotonic() + 5


def run(
    main: Callable[[Loop, Disks], Coroutine[object, object, None]],
    *,
    workspace: str = "/",
    sync: Callable[[], None] | None = None,
    drop: Callable[[], None] | None = None,
) -> None:
    loop = Loop(lambda name, error: FAILURES.append(f"{name}: {error!r}"))
    under_test = Disks(loop, workspace=workspace, owns_machine=False, sync=sync, drop=drop)

    async def all_of_it() -> None:
        await main(loop, under_test)
        under_test.close()

    loop.run(all_of_it())


def waited(release: threading.Event) -> None:
    assert release.wait(5)


def test_the_workspaces_file_system_is_synced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    async def main(_: Loop, under_test: Disks) -> None:
        assert await under_test.sync(soon()) == ""

    run(main, workspace=str(tmp_path))


def test_a_workspace_that_is_not_there_needs_no_sync() -> None:
    async def main(_: Loop, under_test: Disks) -> None:
        assert await under_test.sync(soon()) == ""

    run(main, workspace="/nowhere/at/all")


def test_a_kernel_that_refuses_to_sync_is_told(monkeypatch) -> None:
    class Libc:
        def __init__(self, *_: object, **__: object) -> None: ...

        def syncfs(self, fd: int) -> int:
            os.fstat(fd)
            ctypes.set_errno(errno.EIO)
            return -1

    async def main(_: Loop, under_test: Disks) -> None:
        assert await under_test.sync(soon()) == "Input/output error"

    monkeypatch.setattr("ctypes.CDLL", Libc)
    run(main)


@pytest.mark.parametrize(
    ("error", "text"), [(OSError(5, "Input/output error"), "Input/output error"), (ValueError("odd"), "odd")]
)
def test_whatever_goes_wrong_in_a_thread_is_told(error: Exception, text: str) -> None:
    def fail() -> None:
        raise error

    async def main(_: Loop, under_test: Disks) -> None:
        assert await under_test.drop_caches(soon()) == text

    run(main, drop=fail)


def test_a_sync_that_hangs_is_left_at_the_deadline_and_holds_up_nobody_else() -> None:
    release, turns = threading.Event(), 0

    async def main(loop: Loop, under_test: Disks) -> None:
        nonlocal turns

        async def others() -> None:
            nonlocal turns
            while True:
                await loop.sleep(0.001)
                turns += 1

        other = loop.spawn(others(), "others")
        assert await under_test.sync(time.monotonic() + 0.05) == "not done in time"
        await loop.stop(other)
        assert await under_test.sync(time.monotonic()) == "an earlier one has not ended"
        release.set()
        assert await under_test.sync(soon()) == ""
        assert await under_test.drop_caches(soon()) == ""

    run(main, sync=lambda: waited(release), drop=lambda: None)
    assert turns > 1


def test_an_earlier_sync_is_waited_for_and_never_counts_as_the_new_one() -> None:
    release, begun = threading.Event(), []

    def sync() -> None:
        begun.append(1)
        release.wait(5)

    async def main(loop: Loop, under_test: Disks) -> None:
        waiting = loop.spawn(give_up(under_test), "given up")
        while not begun:
            await loop.sleep(0.001)
        await loop.stop(waiting)  # as when the host wakes the agent meanwhile
        release.set()
        assert await under_test.sync(soon()) == ""
        assert len(begun) == 2

    async def give_up(under_test: Disks) -> None:
        await under_test.sync(soon())

    run(main, sync=sync)


def test_without_a_thread_to_be_had_it_fails_and_leaves_nothing_open(monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def main(_: Loop, under_test: Disks) -> None:
        assert await under_test.sync(soon()) == "can't start new thread"

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    run(main, sync=lambda: None)


def test_what_is_written_drops_clean_caches_and_a_kernel_that_forbids_it_is_told(tmp_path: Path, monkeypatch) -> None:
    switch = tmp_path / "drop_caches"
    monkeypatch.setattr(disks, "_DROP_CACHES", str(switch))
    answers: list[str] = []

    async def main(_: Loop, under_test: Disks) -> None:
        answers.append(await under_test.drop_caches(soon()))
        switch.touch()
        answers.append(await under_test.drop_caches(soon()))

    run(main)
    assert answers == ["No such file or directory", ""]
    assert switch.read_text() == "3"
