"""Look through the workspace for what differs from what the host knows.

This is how changes are found where there is no inotify, and how the truth is found again after events were lost.
Nothing is told here: each difference becomes a hint like those that the kernel gives.
"""

from typing import NamedTuple

from cloche.agent.watch import disk
from cloche.agent.watch.changes import (
    CREATED,
    EXCLUDED,
    ITSELF,
    LEFT,
    MAX_HINTS,
    REMOVED,
    WRITTEN,
    Hint,
    Verdict,
    judge,
)
from cloche.agent.watch.inotify import Watches
from cloche.agent.watch.tree import Directory, Status, Tree
from cloche.agent.watch.workspace import Workspace


class Found(NamedTuple):
    hints: list[Hint]
    is_complete: bool
    """False: there were too many differences for one list. When these are settled the rest can be looked for."""


class Survey:
    """One look at a directory and all that is known below it. New directories are not looked into: settling does."""

    def __init__(self, workspace: Workspace, tree: Tree, watches: Watches, limit: int = MAX_HINTS) -> None:
        self._workspace, self._tree, self._watches, self._limit = workspace, tree, watches, limit
        self._hints: list[Hint] = []

    async def run(self, first: Directory) -> Found:
        """Compare. What has gone and what is new are both named, so settling can tell that one became the other."""
        for directory in self._tree.directories(first):
            await self._look_into(directory)
            if not directory.children:
                await self._workspace.pace()  # there may be any number of these, and no entries to pace it
            if len(self._hints) > self._limit:
                return Found(self._hints, False)
        return Found(self._hints, True)

    async def _look_into(self, directory: Directory) -> None:
        try:
            with self._workspace.opened(directory) as fd:
                self._rewatch(directory, fd)
                directory.is_stale = False
                if not directory.is_alias:
                    self._note_time(directory, disk.status_of(fd).mtime_ns)
                    await self._compare(directory, fd)
        except disk.Unreadable:
            return
        except disk.Displaced:
            # Its parent's listing shows it. Should it come back with changes in it, or turn up elsewhere, it is listed.
            directory.is_stale = True

    def _rewatch(self, directory: Directory, fd: int) -> None:
        """See to it that the watch is on the directory that is there: the news of its end may have been lost."""
        watch = self._watches.add(fd)
        if watch == directory.watch:
            return
        directory.is_alias = self._watches.owner(watch) is not None
        if not directory.is_alias:
            self._watches.release(directory)
            self._watches.bind(watch, directory)

    def _note_time(self, directory: Directory, mtime_ns: int) -> None:
        # Without the files to compare, that something in it came or went is all that can be seen.
        if self._tree.is_sparse and self._watches.are_missing and mtime_ns != directory.mtime_ns:
            self._hints.append(Hint(directory, ITSELF, WRITTEN))
        directory.mtime_ns = mtime_ns

    async def _compare(self, directory: Directory, fd: int) -> None:
        unseen = dict.fromkeys(directory.children)
        for name in disk.names(fd):
            await self._workspace.pace()
            unseen.pop(name, None)
            self._judge(directory, name, disk.status_in(fd, name))
            if len(self._hints) > self._limit:
                return
        for name in unseen:
            await self._workspace.pace()
            # A rename in a directory that is being listed can hide an entry from the listing.
            self._judge(directory, name, disk.status_in(fd, name))

    def _judge(self, directory: Directory, name: bytes, found: Status | None) -> None:
        if found is not None and found.is_directory and name in EXCLUDED:
            found = None
        known = directory.children.get(name)
        if known is None and self._tree.is_sparse and (self._tree.is_full or not (found and found.is_directory)):
            return  # not kept, so nothing to compare with
        verdict = judge(known, found, 0)
        if verdict is Verdict.DELETE:
            self._hints.append(Hint(directory, name, REMOVED | LEFT))
        elif verdict is Verdict.CREATE:
            self._hints.append(Hint(directory, name, CREATED))
        elif verdict in (Verdict.MODIFY, Verdict.REPLACE):
            # LEFT: what was here may have another name now. If it has not, this says nothing.
            self._hints.append(Hint(directory, name, LEFT))
