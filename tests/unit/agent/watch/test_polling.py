"""One look through the workspace. What is told after it is tested where hints are settled."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from cloche.agent.loop import Loop
from cloche.agent.watch.changes import CREATED, ITSELF, LEFT, REMOVED, WRITTEN, Hints
from cloche.agent.watch.inotify import Inotify, Watches
from cloche.agent.watch.polling import Found, Survey
from cloche.agent.watch.reconcile import Reconciler
from cloche.agent.watch.tree import Directory, Tree
from cloche.agent.watch.workspace import Workspace
from cloche.wire.messages import Payload


class Known:
    """A tree that knows a directory as it was."""

    def __init__(self, root: Path, limit: int = 1000) -> None:
        self.tree, self.watches = Tree(limit), Watches()
        self._root = os.fsencode(root)

    def run(self, limit: int = 1000, first: Directory | None = None) -> Found:
        found: list[Found] = []

        async def main() -> None:
            survey = Survey(Workspace(loop, self._root), self.tree, self.watches, limit)
            assert self.tree.root is not None
            found.append(await survey.run(first or self.tree.root))

        failures: list[BaseException] = []
        loop = Loop(lambda _name, error: failures.append(error))
        loop.run(main())
        assert not failures
        return found[0]

    def learn(self) -> "Known":
        async def ignore(_event: Payload) -> None: ...

        loop = Loop(lambda _name, _error: None)
        workspace = Workspace(loop, self._root)
        loop.run(Reconciler(workspace, self.tree, Hints(), self.watches, ignore, lambda: None).begin())
        return self


def said(found: Found) -> dict[bytes, int]:
    return {hint.directory.path_of(hint.name): hint.flags for hint in found.hints}


@contextmanager
def inotify() -> Iterator[Inotify]:
    source = Inotify()
    try:
        yield source
    finally:
        source.close()


def fill(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    for name in ("file", "a/file", "a/b/file"):
        (root / name).write_text("1")


def test_where_nothing_has_changed_nothing_is_found(root: Path) -> None:
    fill(root)
    assert Known(root).learn().run() == Found([], True)


def test_each_difference_is_a_hint_and_new_directories_are_not_looked_into(root: Path) -> None:
    fill(root)
    known = Known(root).learn()
    (root / "file").write_text("22")
    (root / "a" / "file").unlink()
    (root / "a" / "b" / "file").rename(root / "a" / "b" / "other")
    (root / "new" / "below").mkdir(parents=True)
    (root / "node_modules").mkdir()
    found = known.run()
    assert found.is_complete
    assert said(found) == {
        b"file": LEFT,
        b"a/file": REMOVED | LEFT,
        b"a/b/file": REMOVED | LEFT,
        b"a/b/other": CREATED,
        b"new": CREATED,
    }


def test_more_differences_than_the_limit_are_found_in_parts(root: Path) -> None:
    known = Known(root).learn()
    for number in range(30):
        (root / f"{number}").touch()
    hints, is_complete = known.run(limit=10)
    assert (len(hints), is_complete) == (11, False)


def test_a_directory_that_is_elsewhere_is_looked_into_later(root: Path) -> None:
    fill(root)
    known = Known(root).learn()
    (root / "a").rename(root / "moved")
    found = known.run()
    assert said(found) == {b"a": REMOVED | LEFT, b"moved": CREATED}
    assert known.tree.root is not None
    directory = known.tree.root.children[b"a"]
    assert isinstance(directory, Directory)
    assert directory.is_stale
    (root / "moved" / "file").unlink()
    (root / "moved").rename(root / "a")
    assert said(known.run(first=directory)) == {b"a/file": REMOVED | LEFT}
    assert not directory.is_stale


def test_a_watch_whose_end_went_unheard_is_made_anew(root: Path) -> None:
    fill(root)
    known = Known(root)
    with inotify() as source:
        known.watches.use(source)
        known.learn()
        assert known.tree.root is not None
        directory = known.tree.root.children[b"a"]
        assert isinstance(directory, Directory)
        before = directory.watch
        source.remove(before)
        known.run()
        assert directory.watch not in (before, -1)
        assert known.watches.owner(directory.watch) is directory
        watches = len(known.watches)
        known.run()
        assert len(known.watches) == watches


def test_without_the_files_only_directories_are_compared_and_by_their_times(root: Path) -> None:
    fill(root)
    known = Known(root, limit=4).learn()
    assert known.tree.is_sparse
    assert known.run() == Found([], True)
    (root / "a" / "b" / "new").touch()
    (root / "a" / "folder").mkdir()
    found = known.run()
    assert found.is_complete
    told = {hint.directory.path_of(hint.name) if hint.name else hint.directory.path: hint for hint in found.hints}
    assert set(told) == {b"a", b"a/b", b"a/folder"}
    assert told[b"a/b"][1:] == (ITSELF, WRITTEN)
    assert said(known.run()) == {b"a/folder": CREATED}


def test_directories_with_nothing_in_them_leave_others_their_turns(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}").mkdir()
    known = Known(tmp_path, limit=2000).learn()
    loop = Loop(lambda _name, _error: None)
    opened = [0]
    busiest = [0]

    class Counting(Workspace):
        def opened(self, directory: Directory) -> AbstractContextManager[int]:
            opened[0] += 1
            return super().opened(directory)

    async def others() -> None:
        while True:
            busiest[0], opened[0] = max(busiest[0], opened[0]), 0
            await loop.sleep(0)

    async def main() -> None:
        others_run = loop.spawn(others(), "others")
        assert known.tree.root is not None
        await Survey(Counting(loop, os.fsencode(tmp_path)), known.tree, known.watches).run(known.tree.root)
        await loop.sleep(0)
        await loop.stop(others_run)

    loop.run(main())
    assert 0 < busiest[0] <= 250
