"""What goes wrong under a watch, and that nothing of it is lost silently."""

import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from cloche.agent.watch.inotify import CannotWatch, Inotify, Source

from .conftest import WAYS
from .rig import QUICK, Rig, no_inotify

Build = Callable[..., Rig]

MOST_QUEUED = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def flood(root: Path) -> None:
    """Have the kernel lose events: more of them than it keeps, no two alike in a row."""
    for _ in range(MOST_QUEUED // 2 + 100):
        (root / "one").chmod(0o600)
        (root / "two").chmod(0o600)


def test_after_the_kernels_queue_was_full_it_is_said_and_what_was_missed_is_told(rig: Build, root: Path) -> None:
    for name in ("one", "two", "changed", "deleted"):
        (root / name).write_text("1")
    (root / "moved" / "below").mkdir(parents=True)
    watched = rig()

    async def scenario() -> None:
        await watched.caught_up()
        watched.host.events.clear()
        flood(root)
        (root / "changed").write_text("22")
        (root / "deleted").unlink()
        (root / "moved").rename(root / "elsewhere")
        (root / "elsewhere" / "below" / "file").touch()
        (root / "new" / "folder").mkdir(parents=True)
        await watched.agrees()
        (root / "new" / "folder" / "heard").touch()
        (root / "elsewhere" / "below" / "heard").touch()
        await watched.agrees()

    watched.run(scenario)
    told = [line for line in watched.host.short() if ".mark" not in line]
    assert told[0] == "modify ./ overflow"
    assert watched.host.rescans() == ["overflow"]
    assert "rename moved -> elsewhere/" in told
    assert sorted(told[1:]) == [
        "create elsewhere/below/file",
        "create elsewhere/below/heard",
        "create new/",
        "create new/folder/",
        "create new/folder/heard",
        "delete deleted",
        "modify changed",
        "rename moved -> elsewhere/",
    ]


def test_a_host_that_reads_nothing_for_a_while_is_told_everything_in_the_end(rig: Build, root: Path) -> None:
    watched = rig()

    async def scenario() -> None:
        await watched.caught_up()
        watched.host.takes.clear()
        for number in range(5000):
            (root / f"{number}").touch()
            if number % 100 == 0:
                await watched.loop.sleep(0)
        watched.host.takes.set()
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.rescans() == []
    assert len(watched.host.copy) == 5001


def test_more_changes_than_are_kept_for_a_host_become_a_rescan(rig: Build, root: Path) -> None:
    (root / "folder").mkdir()
    (root / "deleted").touch()
    watched = rig(max_hints=100)

    async def scenario() -> None:
        await watched.caught_up()
        watched.host.takes.clear()
        (root / "first").touch()
        for number in range(1000):
            (root / "folder" / f"{number}").touch()
            if number % 20 == 0:
                await watched.loop.sleep(0.001)
        (root / "deleted").unlink()
        watched.host.takes.set()
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.rescans() == ["backlog"]
    assert len(watched.host.copy) == 1003


class Scarce(Inotify):
    """The kernel gives three watches and no more."""

    left = 3

    def add(self, directory_fd: int) -> int:
        if not self.left:
            raise CannotWatch(OSError(28, "no watches left"))
        self.left -= 1
        return super().add(directory_fd)


@pytest.mark.parametrize("at_start", [True, False], ids=["at the start", "later"])
def test_where_watches_run_out_it_is_said_and_the_workspace_is_polled(rig: Build, root: Path, at_start: bool) -> None:
    watched = rig(open_source=Scarce)

    def make() -> None:
        for name in ("a/b/c", "d/e", "f"):
            (root / name).mkdir(parents=True)
            (root / name / "file").touch()

    async def scenario() -> None:
        if at_start:
            make()
        await watched.caught_up()
        if not at_start:
            make()
        await watched.agrees()
        (root / "a" / "b" / "c" / "file").rename(root / "d" / "e" / "moved")
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.rescans() == ["limits"]
    assert "rename a/b/c/file -> d/e/moved" in watched.host.short()
    assert "is polled" in watched.log()


def test_where_there_is_no_inotify_it_is_said(rig: Build, root: Path) -> None:
    watched = rig(open_source=no_inotify)

    async def scenario() -> None:
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.short()[0] == "create ./"
    assert watched.host.rescans() == ["limits"]
    assert "is polled" in watched.log()


class Broken(Inotify):
    """Reads until it is told to break."""

    is_broken = False

    def read(self) -> bytes:
        if self.is_broken:
            raise OSError(5, "input/output error")
        return super().read()


def test_a_source_that_breaks_is_polled_from_then_on(rig: Build, root: Path) -> None:
    sources: list[Broken] = []

    def build() -> Source:
        sources.append(Broken())
        return sources[-1]

    watched = rig(open_source=build)

    async def scenario() -> None:
        await watched.caught_up()
        sources[0].is_broken = True
        (root / "file").touch()
        await watched.agrees()

    watched.run(scenario)
    assert watched.host.rescans() == ["limits"]


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@WAYS
def test_without_descriptors_nothing_is_taken_for_gone_and_all_is_told_once_there_are_some(
    rig: Build, root: Path, way: Callable[[], Source]
) -> None:
    (root / "folder").mkdir()
    watched = rig(open_source=way)

    async def scenario() -> None:
        await watched.caught_up()
        with no_more_descriptors():
            (root / "folder" / "new").mkdir()
            (root / "folder" / "new" / "below").mkdir()
            while "cannot be looked at" not in watched.log():
                await watched.loop.sleep(0.001)
        await watched.agrees()

    watched.run(scenario)
    assert "limits" in watched.host.rescans()
    assert not [line for line in watched.host.short() if line.startswith("delete") and ".mark" not in line]


class SparseHost:
    """What a host can still know when files are not remembered: which directories there are."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.host.take = self.take  # type: ignore[method-assign]
        self.directories: set[str] = set()

    def take(self, event: dict[str, object]) -> None:
        self.rig.host.events.append(event)
        path = str(event["path"])
        if event["is_dir"] and event["operation"] == "create":
            self.directories.add(path)
        elif event["is_dir"] and event["operation"] == "delete":
            self.directories = {d for d in self.directories if d != path and not d.startswith(path + "/")}
        elif event["is_dir"] and event["operation"] == "rename":
            old = str(event["old_path"])
            moved = {d for d in self.directories if d == old or d.startswith(old + "/")}
            self.directories = (self.directories - moved) | {path + d[len(old) :] for d in moved}
        self.rig.host.told.pulse()

    async def heard(self, line: str) -> None:
        await self.rig.until(lambda: line in self.rig.host.short())


def test_more_entries_than_are_remembered_are_told_and_from_then_on_as_the_kernel_tells_them(
    rig: Build, root: Path
) -> None:
    for number in range(60):
        (root / f"{number}").touch()
    watched = rig(max_entries=50)
    host = SparseHost(watched)

    async def scenario() -> None:
        await watched.until(lambda: len(watched.host.events) == 62)
        assert len([line for line in watched.host.short() if line.startswith("create")]) == 61
        (root / "new").touch()
        await host.heard("create new")
        (root / "5").write_text("more")
        await host.heard("modify 5")
        (root / "6").unlink()
        await host.heard("delete 6")
        (root / "folder" / "below").mkdir(parents=True)
        (root / "7").rename(root / "folder" / "below" / "7")
        await host.heard("create folder/below/7")
        await host.heard("delete 7")
        (root / "folder").rename(root / "other")
        await host.heard("rename folder -> other/")
        shutil.rmtree(root / "other")
        await host.heard("delete other/")

    watched.run(scenario)
    assert watched.host.rescans() == ["limits"]
    assert host.directories == {"."}


def test_also_directories_are_remembered_only_up_to_the_limit(rig: Build, root: Path) -> None:
    watched = rig(max_entries=10)
    host = SparseHost(watched)

    async def scenario() -> None:
        await host.heard("create ./")
        for number in range(20):
            (root / f"{number}").mkdir()
        await watched.until(lambda: len(host.directories) == 21)
        for number in range(20):
            (root / f"{number}").rmdir()
        await watched.until(lambda: len(host.directories) == 1)
        (root / "again" / "below").mkdir(parents=True)
        await host.heard("create again/below/")

    watched.run(scenario)
    assert watched.host.rescans() == ["limits"]


def test_polled_and_beyond_the_limit_it_is_told_in_which_directory_something_changed(rig: Build, root: Path) -> None:
    (root / "folder").mkdir()
    for number in range(20):
        (root / "folder" / f"{number}").touch()
    watched = rig(open_source=no_inotify, max_entries=10)
    host = SparseHost(watched)

    async def scenario() -> None:
        await host.heard("create folder/19")
        (root / "folder" / "19").unlink()
        await host.heard("modify folder/")
        (root / "folder" / "new").mkdir()
        await host.heard("create folder/new/")

    watched.run(scenario)


@WAYS
def test_a_workspace_that_is_removed_is_told_to_be_gone_and_to_be_back(rig: Build, root: Path, way) -> None:
    (root / "folder").mkdir()
    (root / "folder" / "file").touch()
    watched = rig(open_source=way)

    async def scenario() -> None:
        await watched.caught_up()
        shutil.rmtree(root)
        await watched.until(lambda: watched.host.copy == {})
        root.mkdir()
        await watched.until(lambda: b"." in watched.host.copy)
        (root / "new").touch()
        await watched.agrees()

    watched.run(scenario)
    told = [line for line in watched.host.short() if ".mark" not in line and "limits" not in line]
    assert told[-5:] == ["delete folder/file", "delete folder/", "delete ./", "create ./", "create new"]
    assert "workspace lost" in watched.log()


@WAYS
@pytest.mark.parametrize("heir", ["nothing", "another", "a link to it"])
def test_a_workspace_that_is_moved_is_told_to_be_gone(rig: Build, root: Path, way, heir: str) -> None:
    (root / "file").touch()
    watched = rig(open_source=way)

    async def scenario() -> None:
        await watched.caught_up()
        root.rename(root.with_name("elsewhere"))
        if heir == "another":
            root.mkdir()
            await watched.until(lambda: watched.host.short().count("create ./") == 2)
            return
        if heir == "a link to it":
            root.symlink_to("elsewhere")
        await watched.until(lambda: watched.host.copy == {})
        (root.with_name("elsewhere") / "later").touch()

    watched.run(scenario)
    assert b"later" not in watched.host.copy
    assert "delete ./" in watched.host.short()


@WAYS
def test_a_workspace_that_is_not_there_yet_is_waited_for(rig: Build, root: Path, way) -> None:
    root.rmdir()
    watched = rig(open_source=way)

    async def scenario() -> None:
        while "no workspace to watch yet" not in watched.log():
            await watched.loop.sleep(0.001)
        root.mkdir()
        (root / "file").touch()
        await watched.until(lambda: watched.host.copy.keys() == {b".", b"file"})

    watched.run(scenario)


def test_a_workspace_that_is_named_by_a_link_is_the_one_that_it_leads_to(rig: Build, root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    watched = Rig(link)

    async def scenario() -> None:
        await watched.caught_up()
        link.unlink()
        (root / "file").touch()
        await watched.until(lambda: b"file" in watched.host.copy)

    watched.run(scenario)


@WAYS
def test_a_large_workspace_holds_up_nobody_while_it_is_told(rig: Build, root: Path, way) -> None:
    for folder in range(10):
        (root / f"{folder}").mkdir()
        for number in range(200):
            (root / f"{folder}" / f"{number}").touch()
    watched = rig(open_source=way)
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(len(watched.host.copy))
            await watched.loop.sleep(0)

    async def scenario() -> None:
        watched.loop.spawn(other(), "other")
        await watched.until(lambda: len(watched.host.copy) == 2011)

    watched.run(scenario)
    steps = [after - before for before, after in pairwise(turns)]
    assert max(steps) <= 200


def test_changes_are_told_at_the_latest_after_a_while_also_when_it_is_never_quiet(rig: Build, root: Path) -> None:
    watched = rig(timing=QUICK._replace(quiet_s=3600.0, longest_s=0.05))

    async def scenario() -> None:
        await watched.until(lambda: b"." in watched.host.copy)
        (root / "file").touch()
        await watched.until(lambda: b"file" in watched.host.copy)

    watched.run(scenario)


NOBODY = 65534


@contextmanager
def privileges(user: int) -> Iterator[None]:
    before = os.geteuid()
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A workspace of nobody's, where nobody can get to it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody; `cloche doctor` says whether it is")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "workspace"
        root.mkdir()
        for path in (Path(directory), root):
            os.chown(path, NOBODY, NOBODY)
        yield root


@WAYS
def test_a_directory_that_may_not_be_read_is_told_and_what_is_in_it_once_it_may(open_root: Path, way) -> None:
    with privileges(0):
        (open_root / "closed" / "below").mkdir(parents=True)
        (open_root / "closed").chmod(0o700)
    watched = Rig(open_root, open_source=way)

    async def scenario() -> None:
        await watched.caught_up()
        assert watched.host.copy.keys() == {b".", b"closed"}
        with privileges(0):
            (open_root / "closed").chmod(0o755)
        await watched.agrees()
        assert b"closed/below" in watched.host.copy
        with privileges(0):
            (open_root / "closed").chmod(0o700)
            (open_root / "closed" / "file").touch()
        await watched.caught_up()
        assert b"closed/file" not in watched.host.copy
        with privileges(0):
            (open_root / "closed").chmod(0o755)
        await watched.agrees()
        assert b"closed/file" in watched.host.copy

    with privileges(NOBODY):
        watched.run(scenario)


@WAYS
def test_a_workspace_that_may_not_be_read_for_a_while_is_not_taken_for_gone(open_root: Path, way) -> None:
    (open_root / "file").touch()
    watched = Rig(open_root, open_source=way)

    async def scenario() -> None:
        await watched.caught_up()
        with privileges(0):
            os.chown(open_root, 0, 0)
            open_root.chmod(0o700)
            (open_root / "meanwhile").touch()
        while "cannot be looked at" not in watched.log():
            await watched.loop.sleep(0.001)
        with privileges(0):
            os.chown(open_root, NOBODY, NOBODY)
        await watched.agrees()

    with privileges(NOBODY):
        watched.run(scenario)
    assert "limits" in watched.host.rescans()
    assert [line for line in watched.host.short() if ".mark" not in line and "limits" not in line] == [
        "create ./",
        "create file",
        "create meanwhile",
    ]
