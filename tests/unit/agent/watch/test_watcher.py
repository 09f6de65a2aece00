"""The watcher as its owner has it, and the model: whatever is done, the host's copy becomes what is on disk."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent.watch.inotify import Inotify, Source

from .conftest import WAYS
from .rig import Rig, no_inotify

Build = Callable[..., Rig]


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@WAYS
def test_switched_off_it_tells_nothing_and_holds_nothing_and_switched_on_it_begins_anew(
    rig: Build, root: Path, way: Callable[[], Source]
) -> None:
    watched = rig(open_source=way)
    held: list[int] = []

    async def off() -> None:
        watched.watcher.enable(False)
        while watched.watcher._observation is not None:
            await watched.loop.sleep(0)

    async def scenario() -> None:
        (root / "before").touch()
        held.append(len(descriptors()))
        watched.watcher.enable(True)
        await watched.caught_up()
        held.append(len(descriptors()))
        await off()
        held.append(len(descriptors()))
        watched.host.events.clear()
        watched.host.copy.clear()
        (root / "meanwhile").touch()
        watched.watcher.enable(True)
        await watched.agrees()

    watched.run(scenario, enable=False)
    assert held[0] == held[2]
    assert held[1] - held[0] == (1 if way is Inotify else 0)
    assert watched.host.short()[0] == "create ./"
    assert watched.host.copy.keys() == {b".", b"before", b"meanwhile"}


def test_it_is_off_until_it_is_switched_on(rig: Build) -> None:
    watched = rig()

    async def scenario() -> None:
        await watched.loop.sleep(0)
        before = descriptors()
        for _ in range(10):
            await watched.loop.sleep(0)
        assert descriptors() == before
        assert watched.watcher._observation is None

    watched.run(scenario, enable=False)
    assert watched.host.events == []


def test_switched_on_once_more_it_tells_everything_once_more(rig: Build, root: Path) -> None:
    (root / "file").touch()
    watched = rig()

    async def scenario() -> None:
        await watched.caught_up()
        watched.host.copy.clear()
        watched.watcher.enable(True)
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.short().count("create file") == 2


def test_switched_off_while_the_host_reads_nothing_it_ends(rig: Build, root: Path) -> None:
    for number in range(20):
        (root / f"{number}").touch()
    watched = rig()
    watched.host.takes.clear()

    async def scenario() -> None:
        while watched.watcher._observation is None:
            await watched.loop.sleep(0)
        before = watched.loop.task_count
        watched.watcher.enable(False)
        while watched.watcher._observation is not None:
            await watched.loop.sleep(0)
        assert watched.loop.task_count < before

    watched.run(scenario)
    assert watched.host.events == []


@WAYS
def test_after_a_lost_connection_the_host_is_told_to_look_anew_and_before_anything_else(
    rig: Build, root: Path, way: Callable[[], Source]
) -> None:
    watched = rig(open_source=way)

    async def scenario() -> None:
        await watched.agrees()
        watched.host.events.clear()
        watched.watcher.connection_lost()
        watched.watcher.connection_lost()
        (root / "file").touch()
        await watched.agrees()

    watched.run(scenario)
    told = [line for line in watched.host.short() if ".mark" not in line]
    assert told == ["modify ./ reconnected", "create file"]


def test_a_lost_connection_is_nothing_to_a_watch_that_is_off(rig: Build) -> None:
    watched = rig()

    async def scenario() -> None:
        watched.watcher.connection_lost()

    watched.run(scenario, enable=False)
    assert watched.host.events == []


def test_a_watch_that_fails_is_logged_begun_anew_and_said_to_be(root: Path) -> None:
    (root / "file").touch()
    failures = iter([RuntimeError("a mistake of ours")])

    def build() -> Source:
        for failure in failures:
            raise failure
        return Inotify()

    watched = Rig(root, open_source=build)

    async def scenario() -> None:
        await watched.agrees()

    with pytest.raises(AssertionError, match="a mistake of ours"):  # the rig finds it in the log
        watched.run(scenario)
    assert watched.host.rescans() == ["limits"]
    assert b"file" in watched.host.copy


@WAYS
def test_what_another_does_at_the_same_time_is_caught_whole(rig: Build, root: Path, way: Callable[[], Source]) -> None:
    """Trees are made, renamed and removed while their directories are being met, watched and listed."""
    watched = rig(open_source=way)
    done: list[bool] = []

    def work() -> None:
        for number in range(150):
            folder = root / f"{number}" / "a" / "b"
            folder.mkdir(parents=True)
            (folder / "file").write_text("x")
            if number % 3 == 0:
                (root / f"{number}" / "a").rename(root / f"moved{number}")
            if number % 5 == 0:
                shutil.rmtree(root / f"{number}")
        done.append(True)

    async def scenario() -> None:
        worker = threading.Thread(target=work)
        worker.start()
        while not done:
            await watched.loop.sleep(0.001)
        worker.join()
        await watched.agrees()

    watched.run(scenario)


# --- the model ------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", ".git", "\udcff"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
VERBS = st.sampled_from(["write", "folder", "deep", "rename", "out", "in", "delete", "delete tree", "link", "touch"])
PAUSES = st.sampled_from([None, None, None, 0.0, 0.0, 0.002, 0.01])
STEPS = st.lists(st.tuples(VERBS, PATHS, PATHS, PAUSES), max_size=40)
Steps = list[tuple[str, str, str, float | None]]


def do(verb: str, root: Path, path: Path, other: Path) -> None:
    """Do one thing, if it can be done."""
    outside = root.with_name("outside")
    with suppress(OSError, shutil.Error):
        match verb:
            case "write":
                with path.open("a") as file:
                    file.write("x" * (1 + len(str(other))))
            case "folder":
                path.mkdir()
            case "deep":
                (path / other.name / "deep").mkdir(parents=True, exist_ok=True)
                (path / other.name / "deep" / "file").write_text("x")
            case "rename":
                path.rename(other)
            case "out":
                path.rename(outside / path.name)
            case "in":
                (outside / other.name).rename(path)
            case "delete":
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            case "delete tree":
                shutil.rmtree(path)
            case "link":
                path.symlink_to(other.name)
            case "touch":
                path.chmod(0o755)


def play(steps: Steps, **options: object) -> Rig:
    """Do all of it under the watch, with and without time for it to see; the copy must be right in the end."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "workspace"
        root.mkdir()
        root.with_name("outside").mkdir()
        half = len(steps) // 3
        for verb, path, other, _ in steps[:half]:
            do(verb, root, root / path, root / other)
        rig = Rig(root, **options)

        async def scenario() -> None:
            for verb, path, other, pause_s in steps[half:]:
                do(verb, root, root / path, root / other)
                if pause_s is not None:
                    await rig.loop.sleep(pause_s)
            await rig.agrees()

        rig.run(scenario)
        return rig


@settings(max_examples=40)
@given(STEPS)
def test_whatever_is_done_the_hosts_copy_becomes_what_is_on_disk(steps: Steps) -> None:
    assert play(steps).host.rescans() == []


@settings(max_examples=15)
@given(STEPS)
def test_so_it_does_where_few_changes_are_kept(steps: Steps) -> None:
    assert set(play(steps, max_hints=4).host.rescans()) <= {"backlog"}


@settings(max_examples=15)
@given(STEPS)
def test_so_it_does_where_it_is_polled(steps: Steps) -> None:
    assert play(steps, open_source=no_inotify).host.rescans() == ["limits"]
