import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.agent.loop import Loop
from cloche.agent.watch import disk
from cloche.agent.watch.tree import Directory, Status, Tree
from cloche.agent.watch.workspace import RootLost, Workspace


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    loop = Loop(lambda _name, _error: None)
    yield Workspace(loop, os.fsencode(root))
    loop.run(nothing())


async def nothing() -> None: ...


def known(root: Path, *names: str) -> tuple[Tree, Directory]:
    """A tree that knows the root and this chain of directories in it; the last of them."""
    tree = Tree()
    directory = tree.plant(status(root))
    for name in names:
        root = root / name
        directory = tree.add_directory(directory, name.encode(), status(root))
    return tree, directory


def status(path: Path) -> Status:
    fd = disk.open_directory(os.fsencode(path))
    try:
        return disk.status_of(fd)
    finally:
        os.close(fd)


def test_a_directory_is_found_by_its_path_and_only_while_it_is_that_one(workspace: Workspace, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("abc")
    _, directory = known(root, "a", "b")
    found = workspace.find(directory, b"file")
    assert found is not None
    assert found.size == 3
    assert workspace.find(directory, b"nothing") is None
    assert workspace.has_in_place(directory)
    (root / "a").rename(root / "c")
    (root / "a" / "b").mkdir(parents=True)
    with pytest.raises(disk.Displaced):
        workspace.find(directory, b"file")
    assert not workspace.has_in_place(directory)


def test_while_a_directory_is_listed_what_is_in_it_is_seen_wherever_it_is(workspace: Workspace, root: Path) -> None:
    (root / "a").mkdir()
    (root / "a" / "file").touch()
    _, directory = known(root, "a")
    with workspace.listed(directory) as names:
        (root / "a").rename(root / "b")
        assert list(names) == [b"file"]
        assert workspace.find(directory, b"file") is not None
    with pytest.raises(disk.Displaced), workspace.listed(directory):
        pass


def test_a_root_that_is_gone_or_another_is_lost(workspace: Workspace, root: Path) -> None:
    _, directory = known(root)
    os.close(workspace.open_root(directory.identity))
    assert workspace.has_in_place(directory)
    root.rename(root.with_name("elsewhere"))
    root.mkdir()
    with pytest.raises(RootLost):
        workspace.open_root(directory.identity)
    root.rmdir()
    root.symlink_to("elsewhere")
    with pytest.raises(RootLost):
        workspace.find(directory, b"file")


def test_a_new_directory_is_watched_while_it_is_open_and_one_that_is_gone_is_nothing(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").mkdir()
    (root / "link").symlink_to("a")
    _, directory = known(root)
    watched: list[str] = []

    def add(fd: int) -> int:
        watched.append(os.readlink(f"/proc/self/fd/{fd}"))
        return 7

    seen = workspace.meet(directory, b"a", add)
    assert seen is not None
    assert (seen.watch, seen.is_readable, seen.status) == (7, True, status(root / "a"))
    assert workspace.meet(directory, b"link", add) is None
    assert workspace.meet(directory, b"nothing", add) is None
    assert watched == [str(root / "a")]


def test_others_get_a_turn_after_every_two_hundred_entries(root: Path) -> None:
    turns: list[int] = []
    failures: list[BaseException] = []
    loop = Loop(lambda _name, error: failures.append(error))
    workspace = Workspace(loop, os.fsencode(root))

    async def other() -> None:
        while True:
            turns.append(1)
            await loop.sleep(0)

    async def main() -> None:
        loop.spawn(other(), "other")
        for _ in range(2000):
            await workspace.pace()

    loop.run(main())
    assert not failures
    assert len(turns) >= 10
