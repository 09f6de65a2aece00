"""What is told of what was done, in both ways of watching. The rig's host checks that each event is possible."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cloche.agent.loop import Loop
from cloche.agent.watch.changes import Hints
from cloche.agent.watch.inotify import Inotify, Watches
from cloche.agent.watch.reconcile import Reconciler
from cloche.agent.watch.tree import Directory, Tree
from cloche.agent.watch.workspace import Workspace

from .conftest import WAYS, told_of
from .rig import Host, Rig, no_inotify

Build = Callable[..., Rig]


def write(path: Path, text: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@WAYS
def test_what_is_there_is_told_first_and_directories_before_what_is_in_them(rig: Build, root: Path, way) -> None:
    for name in ("a/b/c/file", "a/file", "file", ".hidden/file"):
        write(root / name)
    watched = rig(open_source=way)

    async def scenario() -> None:
        await watched.until(lambda: len(watched.host.copy) == 9)

    watched.run(scenario)
    told = watched.host.short()
    told.remove("modify ./ limits") if way is no_inotify else None
    assert told[0] == "create ./"
    assert sorted(told[1:]) == [
        "create .hidden/",
        "create .hidden/file",
        "create a/",
        "create a/b/",
        "create a/b/c/",
        "create a/b/c/file",
        "create a/file",
        "create file",
    ]


@WAYS
def test_each_change_is_told_as_what_it_is(rig: Build, root: Path, way) -> None:
    file, folder = root / "file", root / "folder"
    assert told_of(
        rig(open_source=way),
        lambda: file.write_text("1"),
        lambda: file.write_text("22"),
        lambda: file.rename(root / "new"),
        lambda: (root / "new").unlink(),
        folder.mkdir,
        lambda: folder.rename(root / "other"),
        lambda: (root / "other").rmdir(),
    ) == [
        "create file",
        "modify file",
        "rename file -> new",
        "delete new",
        "create folder/",
        "rename folder -> other/",
        "delete other/",
    ]


@WAYS
def test_a_burst_is_one_change(rig: Build, root: Path, way) -> None:
    kept, passing = root / "kept", root / "passing"

    def burst() -> None:
        for number in range(50):
            kept.write_text(f"{number}")
        passing.write_text("x")
        passing.rename(root / "still passing")
        (root / "still passing").unlink()
        (root / "folder").mkdir()
        (root / "folder").rmdir()

    assert told_of(rig(open_source=way), burst) == ["create kept"]


@WAYS
def test_a_file_that_is_replaced_is_modified(rig: Build, root: Path, way) -> None:
    file = root / "file"
    file.write_text("1")

    def save() -> None:
        (root / "file.tmp").write_text("22")
        (root / "file.tmp").replace(file)

    def remake() -> None:
        file.unlink()
        file.write_text("333")

    assert told_of(rig(open_source=way), save, remake) == ["modify file", "modify file"]


@WAYS
def test_a_change_of_kind_is_a_deletion_and_a_creation(rig: Build, root: Path, way) -> None:
    write(root / "it" / "below" / "file")

    def to_file() -> None:
        shutil.rmtree(root / "it")
        (root / "it").write_text("now a file")

    def to_folder() -> None:
        (root / "it").unlink()
        (root / "it").mkdir()

    def to_link() -> None:
        (root / "it").rmdir()
        (root / "it").symlink_to("/etc")

    assert told_of(rig(open_source=way), to_file, to_folder, to_link) == [
        "delete it/below/file",
        "delete it/below/",
        "delete it/",
        "create it",
        "delete it",
        "create it/",
        "delete it/",
        "create it",
    ]


@WAYS
def test_a_deleted_tree_is_told_from_its_leaves_with_the_right_kinds(rig: Build, root: Path, way) -> None:
    write(root / "a" / "b" / "file")
    told = told_of(rig(open_source=way), lambda: shutil.rmtree(root / "a"))
    assert told == ["delete a/b/file", "delete a/b/", "delete a/"]


@WAYS
def test_a_renamed_directory_is_one_rename_and_what_is_in_it_is_followed(rig: Build, root: Path, way) -> None:
    write(root / "a" / "b" / "file", "1")
    (root / "other").mkdir()
    assert told_of(
        rig(open_source=way),
        lambda: (root / "a").rename(root / "other" / "new"),
        lambda: (root / "other/new/b/file").write_text("22"),
        lambda: (root / "other/new/b/file").unlink(),
    ) == ["rename a -> other/new/", "modify other/new/b/file", "delete other/new/b/file"]


@WAYS
def test_moving_in_is_creation_and_moving_out_is_deletion(rig: Build, root: Path, tmp_path: Path, way) -> None:
    write(root / "going" / "file", "1")
    write(root / "gone", "1")
    write(tmp_path / "coming" / "file", "1")

    def go() -> None:
        (root / "going").rename(tmp_path / "went")
        (root / "gone").rename(tmp_path / "away")

    watched = rig(open_source=way)
    told = told_of(
        watched,
        go,
        lambda: (tmp_path / "went" / "more").write_text("of nobody's concern"),
        lambda: (tmp_path / "coming").rename(root / "came"),
        lambda: (root / "came" / "file").write_text("22"),
    )
    assert sorted(told[:3]) == ["delete going/", "delete going/file", "delete gone"]
    assert told[3:] == ["create came/", "create came/file", "modify came/file"]


@WAYS
def test_a_rename_over_another_deletes_that_one_first(rig: Build, root: Path, way) -> None:
    (root / "a").write_text("1")
    (root / "b").write_text("22")
    (root / "from").mkdir()
    (root / "onto").mkdir()

    def rename() -> None:
        (root / "a").replace(root / "b")
        (root / "from").replace(root / "onto")

    told = told_of(rig(open_source=way), rename)
    for pair in (["delete b", "rename a -> b"], ["delete onto/", "rename from -> onto/"]):
        assert [line for line in told if line in pair] == pair
    assert len(told) == 4


@WAYS
def test_a_rotation_is_a_chain_of_renames(rig: Build, root: Path, way) -> None:
    for number in range(4):
        (root / f"log.{number}").write_text("x" * number)

    def rotate() -> None:
        for number in reversed(range(4)):
            (root / f"log.{number}").rename(root / f"log.{number + 1}")
        (root / "log.0").write_text("new")

    told = told_of(rig(open_source=way), rotate)
    if way is Inotify:
        assert told == [*(f"rename log.{n} -> log.{n + 1}" for n in reversed(range(4))), "create log.0"]
    else:  # which of them went where is told as far as it can be known
        assert "rename log.3 -> log.4" in told


@WAYS
def test_two_that_change_places_are_told_so_that_both_are_right_in_the_end(rig: Build, root: Path, way) -> None:
    write(root / "a" / "in a", "1")
    write(root / "b" / "in b", "22")
    (root / "c").write_text("in c")
    (root / "d").write_text("now in d")

    def swap() -> None:
        for one, other in (("a", "b"), ("c", "d")):
            (root / one).rename(root / "aside")
            (root / other).rename(root / one)
            (root / "aside").rename(root / other)

    told_of(rig(open_source=way), swap)


@WAYS
def test_a_directory_and_what_is_in_it_that_trade_places_are_followed(rig: Build, root: Path, way) -> None:
    write(root / "a" / "b" / "file", "1")

    def turn_inside_out() -> None:
        (root / "a" / "b").rename(root / "b")
        (root / "a").rename(root / "b" / "a")

    def turn_back_with_another_above() -> None:
        (root / "b" / "a").rename(root / "aside")
        (root / "b").rename(root / "aside" / "b")
        (root / "b").mkdir()
        (root / "aside").rename(root / "b" / "a")

    told_of(rig(open_source=way), turn_inside_out, turn_back_with_another_above)


def test_renamed_with_its_directory_in_one_burst_it_is_two_renames(rig: Build, root: Path) -> None:
    write(root / "a" / "file")

    def rename() -> None:
        (root / "a" / "file").rename(root / "a" / "new")
        (root / "a").rename(root / "b")

    assert told_of(rig(), rename) == ["rename a -> b/", "rename b/file -> b/new"]


def test_renamed_into_a_directory_that_is_as_new_it_is_still_a_rename(rig: Build, root: Path) -> None:
    write(root / "a" / "file")
    write(root / "b")

    def rename() -> None:
        (root / "new" / "folder").mkdir(parents=True)
        (root / "a").rename(root / "new" / "folder" / "a")
        (root / "b").rename(root / "new" / "b")

    assert sorted(told_of(rig(), rename)) == [
        "create new/",
        "create new/folder/",
        "rename a -> new/folder/a/",
        "rename b -> new/b",
    ]


def test_what_was_renamed_and_written_is_told_as_both(rig: Build, root: Path) -> None:
    write(root / "a", "1")

    def change() -> None:
        (root / "a").rename(root / "b")
        (root / "b").write_text("22")

    assert told_of(rig(), change) == ["rename a -> b", "modify b"]


@WAYS
def test_new_trees_made_at_once_are_told_whole_and_once(rig: Build, root: Path, way) -> None:
    def make() -> None:
        for branch in range(8):
            folder = root / f"new{branch}"
            for level in range(12):
                folder = folder / f"level{level}"
                folder.mkdir(parents=True)
                (folder / "file").write_text("x")

    told = told_of(rig(open_source=way), make)
    assert len([line for line in told if line.startswith("create")]) == 8 * (1 + 2 * 12)
    assert not [line for line in told if not line.startswith(("create", "modify"))]


EXCLUDED = [".git", "node_modules", "__pycache__"]


@WAYS
@pytest.mark.parametrize("name", EXCLUDED)
def test_directories_of_these_names_are_left_out_at_any_depth(rig: Build, root: Path, way, name: str) -> None:
    write(root / name / "file")
    write(root / "a" / name / "file")
    watched = rig(open_source=way)
    told = told_of(
        watched,
        lambda: write(root / "a" / "b" / name / "below" / "file"),
        lambda: (root / name / "file").write_text("more"),
        lambda: shutil.rmtree(root / "a" / "b" / name),
        lambda: (root / "a" / "b").rename(root / "a" / f"{name}x"),
    )
    assert told == ["create a/b/", f"rename a/b -> a/{name}x/"]


@WAYS
@pytest.mark.parametrize("name", EXCLUDED)
def test_a_file_of_such_a_name_is_a_file(rig: Build, root: Path, way, name: str) -> None:
    path = root / name

    def to_folder() -> None:
        path.unlink()
        path.mkdir()

    assert told_of(rig(open_source=way), path.touch, to_folder) == [f"create {name}", f"delete {name}"]


@WAYS
def test_what_gets_such_a_name_is_deleted_and_what_loses_it_created(rig: Build, root: Path, way) -> None:
    write(root / "a" / "file")
    (root / "node_modules").mkdir()
    assert told_of(
        rig(open_source=way),
        lambda: (root / "a").rename(root / ".git"),
        lambda: (root / ".git" / "more").touch(),
        lambda: (root / ".git").rename(root / "b"),
        lambda: (root / "b" / "file").unlink(),
    )[:3] == ["delete a/file", "delete a/", "create b/"]


@WAYS
def test_symbolic_links_are_entries_and_lead_nowhere(rig: Build, root: Path, tmp_path: Path, way) -> None:
    write(tmp_path / "outside" / "secret")
    (root / "at first").symlink_to(tmp_path / "outside")
    (root / "round").symlink_to(".")
    watched = rig(open_source=way)
    told = told_of(
        watched,
        lambda: (root / "link").symlink_to(tmp_path / "outside"),
        lambda: (tmp_path / "outside" / "more").touch(),
        lambda: (root / "link").unlink(),
    )
    assert told == ["create link", "delete link"]
    assert not [event for event in watched.host.events if "secret" in event["path"]]


@WAYS
def test_a_link_that_takes_a_directorys_place_is_not_followed(rig: Build, root: Path, tmp_path: Path, way) -> None:
    write(root / "a" / "file", "inside")
    write(tmp_path / "outside" / "secret")

    def trap() -> None:
        (root / "a" / "file").write_text("changed")
        (root / "a").rename(tmp_path / "away")
        (root / "a").symlink_to(tmp_path / "outside")

    watched = rig(open_source=way)
    assert told_of(watched, trap)[-3:] == ["delete a/file", "delete a/", "create a"]


@WAYS
def test_names_that_are_not_utf_8_are_told_so_that_they_come_back(rig: Build, root: Path, way) -> None:
    names = [b"\xff\xfe", b"new\nline", "ü".encode(), b"\xed\xa0\x80", b'"\\']

    def make() -> None:
        for name in names:
            os.mkdir(os.path.join(os.fsencode(root), name))
            os.rename(os.path.join(os.fsencode(root), name), os.path.join(os.fsencode(root), name + b"\xff"))

    watched = rig(open_source=way)
    told_of(watched, make)
    assert set(watched.host.copy) == {b".", *(name + b"\xff" for name in names)}


def test_a_directory_that_takes_the_place_and_the_inode_of_another_is_looked_into(rig: Build, root: Path) -> None:
    """Some file systems give the inode of a deleted directory to the next one."""
    (root / "a").mkdir()

    def remake() -> None:
        for number in range(20):
            (root / "a").rmdir()
            (root / "a").mkdir()
            (root / "a" / f"file{number}").touch()
            if number < 19:
                (root / "a" / f"file{number}").unlink()

    watched = rig()
    told_of(watched, remake, lambda: (root / "a" / "later").touch())
    assert b"a/later" in watched.host.copy


class LooseHost(Host):
    """Takes the end of a directory for the end of all that is in it."""

    def _delete(self, path: bytes, is_dir: bool, event: dict[str, object]) -> None:
        self.copy = {p: c for p, c in self.copy.items() if p != path and not p.startswith(path + b"/")}


def test_what_lies_deeper_than_paths_can_be_long_is_told_to_be_beyond_the_limits(rig: Build, root: Path) -> None:
    watched = rig()
    watched.host.__class__ = LooseHost

    def deep(name: str) -> int:
        fd = os.open(root, os.O_RDONLY)
        for level in [name] + ["d" * 250] * 15:
            os.mkdir(level, dir_fd=fd)
            below = os.open(level, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        return fd

    async def scenario() -> None:
        await watched.caught_up()
        bottom = deep("one")
        os.close(deep("other"))
        await watched.agrees()
        os.rename(root / "other", "other", dst_dir_fd=bottom)
        os.close(bottom)
        await watched.caught_up()
        assert watched.host.rescans() == []
        shutil.rmtree(root / "one")
        await watched.agrees()
        assert "limits" in watched.host.rescans()

    watched.run(scenario)


class TwiceMounted(Inotify):
    """What is named `mount` has the watch of `a` beside it, as a second mount of it would."""

    def add(self, directory_fd: int) -> int:
        leads_to = os.readlink(f"/proc/self/fd/{directory_fd}")
        if not leads_to.endswith("/mount"):
            return super().add(directory_fd)
        fd = os.open(leads_to.removesuffix("mount") + "a", os.O_RDONLY)
        try:
            return super().add(fd)
        finally:
            os.close(fd)


def test_a_second_mount_of_a_directory_is_told_and_not_looked_into(rig: Build, root: Path) -> None:
    write(root / "a" / "file")
    watched = rig(open_source=TwiceMounted)

    async def scenario() -> None:
        await watched.caught_up()
        write(root / "mount" / "file")
        await watched.caught_up()
        (root / "a" / "new").touch()
        await watched.caught_up()

    watched.run(scenario)
    assert set(watched.host.copy) == {b".", b"a", b"a/file", b"a/new", b"mount"}
    assert "rename" not in " ".join(watched.host.short())


def test_new_directories_with_nothing_in_them_leave_others_their_turns(root: Path) -> None:
    for number in range(1000):
        (root / f"{number}").mkdir()
    loop = Loop(lambda _name, _error: None)
    listed = [0]
    busiest = [0]

    class Counting(Workspace):
        def listed(self, directory: Directory) -> AbstractContextManager[Iterator[bytes]]:
            listed[0] += 1
            return super().listed(directory)

    async def take(_event: dict[str, object]) -> None: ...

    async def others() -> None:
        while True:
            busiest[0], listed[0] = max(busiest[0], listed[0]), 0
            await loop.sleep(0)

    async def main() -> None:
        others_run = loop.spawn(others(), "others")
        workspace = Counting(loop, os.fsencode(root))
        await Reconciler(workspace, Tree(2000), Hints(), Watches(), take, lambda: None).begin()
        await loop.sleep(0)
        await loop.stop(others_run)

    loop.run(main())
    assert 0 < busiest[0] <= 250
