"""Settles hints: looks at each entry, tells the host what is different from what it knows, and keeps note of that.

The tree holds what the host has been told and nothing else changes it, so each event follows from those before. A
directory is watched before it is listed: whatever happens in it meanwhile is found or heard, and what is both does not
differ the second time. A directory that is renamed keeps its watch, so the watch tells where it was; a file that was
renamed away is known again by its inode.
"""

import os
from collections.abc import Awaitable, Callable

from cloche.agent.watch import disk
from cloche.agent.watch.changes import (
    ARRIVED,
    CREATED,
    EXCLUDED,
    IS_DIRECTORY,
    ITSELF,
    LEFT,
    LEFT_WRITTEN,
    MAX_PATH_BYTES,
    REMOVED,
    WRITTEN,
    Hint,
    Hints,
    Origins,
    Verdict,
    fs_event,
    judge,
)
from cloche.agent.watch.inotify import Watches
from cloche.agent.watch.polling import Survey
from cloche.agent.watch.tree import Directory, Entry, Status, Tree, stamp
from cloche.agent.watch.workspace import RootLost, Seen, Workspace
from cloche.wire.messages import Payload


class Reconciler:
    """Owned by `observation`; whatever it does is done by one task, one thing after the other."""

    def __init__(
        self,
        workspace: Workspace,
        tree: Tree,
        hints: Hints,
        watches: Watches,
        report: Callable[[Payload], Awaitable[None]],
        on_limit: Callable[[], None],
    ) -> None:
        """`hints` takes what must be looked at again; `on_limit` is called when not everything can be told any more."""
        self._workspace, self._tree, self._hints = workspace, tree, hints
        self.watches = watches
        self._report, self._on_limit = report, on_limit
        self._origins = Origins([])
        self._new: list[Directory] = []
        """Told, and not listed yet."""
        self._later: list[Hint] = []
        """To be looked at when the others of the batch have been."""
        self._stale: list[Directory] = []
        """To be compared with what is known below them."""

    async def begin(self) -> None:
        """Tell of everything that is there.

        Raises:
            RootLost, CannotWatch, OSError: as everything here.
        """
        if self._tree.root is None:
            fd = self._workspace.open_root()
            try:
                watch = self.watches.add(fd)
                root = self._tree.plant(disk.status_of(fd))
                self.watches.bind(watch, root)
            finally:
                os.close(fd)
            await self._tell("create", b"", is_dir=True)
            self._new.append(root)
        await self.settle([])

    def check_root(self) -> None:
        """Raise RootLost unless the workspace is still there."""
        if self._tree.root is not None:
            os.close(self._workspace.open_root(self._tree.root.identity))

    async def settle(self, hints: list[Hint]) -> None:
        await self._settle(hints)
        while self._stale:
            await self.compare(self._stale.pop())

    async def rescan(self) -> None:
        """Compare everything, and settle what differs."""
        self.check_root()
        self._new, self._later, self._stale = [], [], []
        if self._tree.root is not None:
            await self.compare(self._tree.root)

    async def compare(self, directory: Directory) -> None:
        """Compare a directory with what is known below it, and settle what differs."""
        is_complete = False
        while not is_complete and not directory.is_gone:
            survey = Survey(self._workspace, self._tree, self.watches)
            hints, is_complete = await survey.run(directory)
            await self._settle(hints)

    async def forget(self) -> None:
        """Tell that everything is gone, the workspace itself at last."""
        root = self._tree.root
        if root is None:
            return
        await self._empty(root)
        self.watches.release(root)
        self._tree.root = None
        await self._tell("delete", b"", is_dir=True)

    async def _settle(self, hints: list[Hint]) -> None:
        """Look at renames first, then at what else there is, then at what is gone: it may have gone elsewhere."""
        await self._list_new()
        self._origins = Origins(hints)
        depths = {directory: directory.depth for directory in {hint.directory for hint in hints}}
        for hint in sorted(hints, key=lambda hint: (not hint.flags & ARRIVED, depths[hint.directory])):
            await self._look(hint, is_last=False)
            await self._list_new()
        later, self._later = self._later, []
        for hint in later:
            await self._look(hint, is_last=True)
            await self._list_new()
        again, self._later = self._later, []
        for hint in again:
            self._hints.add(hint)
        self._origins = Origins([])

    async def _list_new(self) -> None:
        """List the directories that were just told of, and what is found in them, and so on."""
        while self._new:
            directory = self._new.pop()
            try:
                with self._workspace.listed(directory) as names:
                    for name in names:
                        await self._look(Hint(directory, name, CREATED), is_last=False)
            except (disk.Displaced, disk.Unreadable) as error:
                self._doubt(directory, error)
            if not directory.children:
                await self._workspace.pace()  # there may be any number of these, and no entries to pace it

    async def _look(self, hint: Hint, *, is_last: bool) -> None:
        """Compare one entry with what the host knows of it, and tell it the difference."""
        await self._workspace.pace()
        directory, name, flags = hint
        if directory.is_gone:
            return
        if name == ITSELF:
            await self._tell("modify", directory.path, is_dir=True)
            return
        try:
            found = self._workspace.find(directory, name)
        except (disk.Displaced, disk.Unreadable) as error:
            self._doubt(directory, error)
            return
        if found is not None and found.is_directory and name in EXCLUDED:
            found = None
        known = directory.children.get(name)
        if known is None and self._is_unknowable(found):
            await self._tell_unknown(hint, found)
            return
        verdict = judge(known, found, flags)
        if verdict is Verdict.MODIFY and found is not None and self._origins.find(found, flags) is not None:
            verdict = Verdict.REPLACE  # not changed: another was renamed over it
        await self._act(verdict, hint, found, is_last=is_last)

    async def _act(self, verdict: Verdict, hint: Hint, found: Status | None, *, is_last: bool) -> None:
        directory, name, flags = hint
        if verdict is Verdict.STAYS:
            self._revisit(directory, name)
        elif verdict is Verdict.MODIFY and found is not None:
            if flags & LEFT and not is_last:
                self._later.append(hint)
                return
            self._keep_file(directory, name, found)
            await self._tell("modify", directory.path_of(name), is_dir=False)
        elif verdict is Verdict.CREATE and found is not None:
            await self._create(hint, found, is_last=is_last)
        elif verdict in (Verdict.DELETE, Verdict.REPLACE):
            if not is_last and (verdict is Verdict.DELETE or flags & LEFT):
                self._later.append(hint)
                return
            await self._remove(directory, name)
            if verdict is Verdict.REPLACE:
                # Anything may have happened while the host took the news.
                await self._look(hint, is_last=is_last)

    async def _create(self, hint: Hint, found: Status, *, is_last: bool) -> None:
        if found.is_directory:
            await self._create_directory(hint, is_last=is_last)
            return
        directory, name, flags = hint
        origin = self._origins.find(found, flags)
        if origin is None:
            self._keep_file(directory, name, found)
            await self._tell("create", directory.path_of(name), is_dir=False)
            return
        was = origin.directory.children[origin.name]
        await self._move(origin.directory, origin.name, hint)
        if stamp(found) != was or flags & WRITTEN or origin.flags & LEFT_WRITTEN:
            self._keep_file(directory, name, found)
            await self._tell("modify", directory.path_of(name), is_dir=False)

    async def _create_directory(self, hint: Hint, *, is_last: bool) -> None:
        directory, name, flags = hint
        if not self._has_room():
            await self._tell("create", directory.path_of(name), is_dir=True)
            return
        seen = self._meet(directory, name)
        if seen is None:
            return
        origin = self._origin(seen, flags)
        if origin is None:
            await self._add_directory(directory, name, seen)
        elif _is_inside(directory, origin.directory.children[origin.name]):
            # On disk it is the other way round. What has moved them will be seen, and one of them told as new.
            self._again(hint, is_last=is_last)
        else:
            await self._move(origin.directory, origin.name, hint)
            self._revisit(directory, name)

    def _meet(self, directory: Directory, name: bytes) -> Seen | None:
        try:
            return self._workspace.meet(directory, name, self.watches.add)
        except (disk.Displaced, disk.Unreadable) as error:
            self._doubt(directory, error)
            return None

    def _origin(self, seen: Seen, flags: int) -> Hint | None:
        """Return the place that a directory was renamed from, if it was."""
        if self.watches.are_missing:
            return self._origins.find(seen.status, flags)
        owner = self.watches.owner(seen.watch)
        if owner is None or owner.parent is None or self._workspace.has_in_place(owner):
            return None
        return Hint(owner.parent, owner.name)

    async def _add_directory(self, parent: Directory, name: bytes, seen: Seen) -> None:
        directory = self._tree.add_directory(parent, name, seen.status)
        directory.is_stale = not seen.is_readable
        directory.is_alias = self.watches.owner(seen.watch) is not None
        if not directory.is_alias:
            self.watches.bind(seen.watch, directory)
        await self._tell("create", directory.path, is_dir=True)
        if seen.is_readable and not directory.is_alias:
            self._new.append(directory)

    def _revisit(self, parent: Directory, name: bytes) -> None:
        """Have a directory compared that is there, if it could not be looked into or its watch has ended."""
        directory = parent.children[name]
        if isinstance(directory, Directory) and not directory.is_alias:
            is_unwatched = directory.watch < 0 and not self.watches.are_missing
            if directory.is_stale or is_unwatched:
                self._stale.append(directory)

    async def _move(self, parent: Directory, name: bytes, to: Hint) -> None:
        old_path, is_dir = parent.path_of(name), isinstance(parent.children[name], Directory)
        self._tree.move(parent, name, to.directory, to.name)
        # Where it was there may be something by now, and the hint that says so may have been looked at already.
        self._later.append(Hint(parent, name))
        await self._tell("rename", to.directory.path_of(to.name), is_dir=is_dir, old_path=old_path)

    async def _remove(self, parent: Directory, name: bytes) -> None:
        entry = parent.children[name]
        if isinstance(entry, Directory):
            await self._empty(entry)
        await self._remove_one(parent, name)

    async def _empty(self, directory: Directory) -> None:
        for parent, name in self._tree.leaves_first(directory):
            await self._workspace.pace()
            await self._remove_one(parent, name)

    async def _remove_one(self, parent: Directory, name: bytes) -> None:
        entry = parent.children[name]
        if isinstance(entry, Directory):
            self.watches.release(entry)
        self._tree.remove(parent, name)
        await self._tell("delete", parent.path_of(name), is_dir=isinstance(entry, Directory))

    def _is_unknowable(self, found: Status | None) -> bool:
        is_kept = found is not None and found.is_directory and not self._tree.is_full
        return self._tree.is_sparse and not is_kept

    async def _tell_unknown(self, hint: Hint, found: Status | None) -> None:
        """Pass on what the hint says of an entry that is not kept: there is nothing to compare it with."""
        directory, name, flags = hint
        path = directory.path_of(name)
        if found is not None and flags & CREATED:
            await self._tell("create", path, is_dir=found.is_directory)
        elif found is not None and not found.is_directory:
            await self._tell("modify", path, is_dir=False)
        elif found is None and flags & REMOVED and not (flags & IS_DIRECTORY and name in EXCLUDED):
            await self._tell("delete", path, is_dir=bool(flags & IS_DIRECTORY))

    def _keep_file(self, directory: Directory, name: bytes, found: Status) -> None:
        if self._has_room() and not self._tree.is_sparse:
            self._tree.put_file(directory, name, found)

    def _has_room(self) -> bool:
        if self._tree.is_full and not self._tree.is_sparse:
            self._tree.forget_files()
            self._on_limit()
        return not self._tree.is_full

    def _again(self, hint: Hint, *, is_last: bool) -> None:
        if is_last:
            self._hints.add(hint)
        else:
            self._later.append(hint)

    def _doubt(self, directory: Directory, error: disk.Displaced | disk.Unreadable) -> None:
        """Note that a directory could not be looked into. One that is elsewhere is looked for where it was."""
        directory.is_stale = True
        if isinstance(error, disk.Displaced):
            if directory.parent is None:
                raise RootLost
            self._hints.add(Hint(directory.parent, directory.name))

    async def _tell(self, operation: str, path: bytes, *, is_dir: bool, old_path: bytes | None = None) -> None:
        if max(len(path), len(old_path or b"")) > MAX_PATH_BYTES:
            self._on_limit()  # renamed directories can lie deeper than any path leads
            return
        await self._report(fs_event(path, operation, is_dir=is_dir, old_path=old_path))


def _is_inside(directory: Directory, entry: Entry) -> bool:
    """Whether a directory is this entry or below it."""
    node: Directory | None = directory
    while node is not None and node is not entry:
        node = node.parent
    return node is not None
