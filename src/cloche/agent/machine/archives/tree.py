"""What an archive holds, put together in staging: nothing is overwritten, nothing goes through a link.

Links are made last, so that while files come in there are none; and only then is it known how many leading components
of the names are to be left out.
"""

import os
import stat
from typing import Final, NamedTuple

from cloche.agent.machine.archives.descent import Descent
from cloche.agent.machine.archives.limits import MAX_REMEMBERED_BYTES, Tally, bad_archive
from cloche.agent.machine.archives.members import SINGLETONS, Kind, Member
from cloche.agent.machine.archives.names import Parts, check_link, duplicate_name, parts_of
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.staging import Stage
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.turns import ENTRY_COST, Turns

_TREE: Final = b"tree"
_STRIPPED: Final = b"stripped"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Attributes(NamedTuple):
    mode: int
    mtime_ns: int


class Link(NamedTuple):
    name: bytes
    target: bytes
    mtime_ns: int


class Built(NamedTuple):
    """The directory in the stage that is to take its place, and what is in it."""

    name: bytes
    files: int
    """And links."""
    size_bytes: int


class Tree:
    """`begin` each member, `write` its content; `build` at the end. To be closed. All raise `Problem` and OSError."""

    def __init__(self, stage: Stage, tally: Tally, turns: Turns) -> None:
        self._stage, self._tally, self._turns = stage, tally, turns
        self._descent = stage.descend(_TREE)
        # By names, not by their parts: many short parts would take far more memory than is counted.
        self._directories: dict[bytes, Attributes] = {}
        self._links: list[Link] = []
        self._remembered_bytes = 0
        self._counts: dict[int, list[int]] = {}
        """By the number of components in their names: how many files, and how many bytes in them."""
        self._fd = -1
        self._member: Member | None = None

    def close(self) -> None:
        self._descent.__exit__(None, None, None)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def begin(self, member: Member) -> None:
        """The next member; the one before is complete."""
        self._end()
        parts = parts_of(member.name)
        self._tally.count(member.size)
        try:
            self._add(member, parts)
        except (FileExistsError, NotADirectoryError):
            # Made here and by no one else: the name, or one on the way to it, has been in the archive already.
            raise duplicate_name(member.name) from None

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    async def build(self, strip: int, notes: Notes, *, is_profile: bool) -> Built:
        """Leave out leading components, make the links, and give directories their modes and times."""
        self._end()
        name = _TREE
        if strip:
            name = _STRIPPED
            await self._strip(strip)
        made = await self._make_links(strip, notes, is_profile)
        await self._set_attributes(strip)
        kept = [count for depth, count in self._counts.items() if depth > strip]
        return Built(name, made + sum(files for files, _ in kept), sum(size for _, size in kept))

    def _add(self, member: Member, parts: Parts) -> None:
        if member.kind is Kind.DIRECTORY:
            self._add_directory(member, parts)
        elif not parts:
            raise bad_archive("an entry that is no directory has no name")
        elif member.kind is Kind.FILE:
            self._fd = os.open(parts[-1], _NEW, 0o600, dir_fd=self._descent.enter(parts[:-1], makes=True))
            self._member = member
            self._count(parts, member.size)
        elif member.kind is Kind.LINK:
            self._remember(len(member.name) + len(member.link))
            self._links.append(Link(b"/".join(parts), member.link, member.mtime_ns))
        else:
            self._add_hard_link(member, parts)

    def _add_directory(self, member: Member, parts: Parts) -> None:
        if not parts:
            return
        name = b"/".join(parts)
        if name in self._directories:
            raise duplicate_name(name)
        self._descent.enter(parts, makes=True)
        self._remember(len(name))
        self._directories[name] = Attributes(member.mode | 0o700, member.mtime_ns)

    def _add_hard_link(self, member: Member, parts: Parts) -> None:
        target = parts_of(member.link)
        try:
            source = os.dup(self._descent.enter(target[:-1]))
        except (FileNotFoundError, NotADirectoryError):
            raise _leads_nowhere() from None
        try:
            if not target or not _is_file(source, target[-1]):
                raise _leads_nowhere()
            here = self._descent.enter(parts[:-1], makes=True)
            os.link(target[-1], parts[-1], src_dir_fd=source, dst_dir_fd=here, follow_symlinks=False)
        finally:
            os.close(source)
        self._count(parts, 0)

    def _end(self) -> None:
        """Give the file that was written last its mode and time."""
        if self._member is None:
            return
        os.fchmod(self._fd, self._member.mode & 0o777)
        os.utime(self._fd, ns=(self._member.mtime_ns, self._member.mtime_ns))
        fd, self._fd, self._member = self._fd, -1, None
        os.close(fd)

    def _count(self, parts: Parts, size: int) -> None:
        count = self._counts.setdefault(len(parts), [0, 0])
        count[0] += 1
        count[1] += size

    def _remember(self, size: int) -> None:
        self._remembered_bytes += size
        if self._remembered_bytes > MAX_REMEMBERED_BYTES:
            raise Problem(400, "too_large", "the names of directories and links are too long altogether")

    async def _strip(self, count: int) -> None:
        """Bring together what lies in the directories at this depth."""
        target = self._stage.descend(_STRIPPED)
        try:
            for top in await self._at_depth(count):
                await self._merge(top, target)
        except BaseException:
            target.__exit__(None, None, None)
            raise
        self._descent.__exit__(None, None, None)
        self._descent = target

    async def _at_depth(self, count: int) -> list[Parts]:
        found: list[Parts] = [()]
        for _ in range(count):
            deeper: list[Parts] = []
            for parts in found:
                deeper += [(*parts, name) for name, is_directory in self._list(parts) if is_directory]
                await self._turn()
            found = deeper
        return found

    async def _merge(self, top: Parts, target: Descent) -> None:
        ahead: list[Parts] = [()]
        while ahead:
            below = ahead.pop()
            for name, is_directory in self._list(top + below):
                here, there = self._descent.enter(top + below), target.enter(below)
                try:
                    if not is_directory:
                        os.link(name, name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
                    elif _mode(there, name):
                        ahead.append((*below, name))
                        target.enter((*below, name))
                    else:
                        os.rename(name, name, src_dir_fd=here, dst_dir_fd=there)
                except (FileExistsError, NotADirectoryError):
                    raise duplicate_name(b"/".join((*below, name))) from None
                await self._turn()

    def _list(self, parts: Parts) -> list[tuple[bytes, bool]]:
        with os.scandir(self._descent.enter(parts)) as entries:
            return [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]

    async def _make_links(self, strip: int, notes: Notes, is_profile: bool) -> int:
        """Return how many have been made."""
        made = 0
        for link in self._links:
            parts = parts_of(link.name)[strip:]
            if not parts or _is_dropped(parts, link.target, is_profile, notes):
                continue
            check_link(parts, link.target)
            try:
                here = self._descent.enter(parts[:-1], makes=True)
                os.symlink(link.target, parts[-1], dir_fd=here)
            except (FileExistsError, NotADirectoryError):
                raise duplicate_name(link.name) from None
            os.utime(parts[-1], ns=(link.mtime_ns, link.mtime_ns), dir_fd=here, follow_symlinks=False)
            made += 1
            await self._turn()
        return made

    async def _set_attributes(self, strip: int) -> None:
        """The deepest first, since whatever is made in a directory changes its time."""
        for name in sorted(self._directories, reverse=True):
            parts = parts_of(name)[strip:]
            if parts:
                fd, attributes = self._descent.enter(parts), self._directories[name]
                os.fchmod(fd, attributes.mode & 0o777)
                os.utime(fd, ns=(attributes.mtime_ns, attributes.mtime_ns))
                await self._turn()

    async def _turn(self) -> None:
        if self._turns.due(ENTRY_COST):
            await self._turns.give()


def _is_dropped(parts: Parts, target: bytes, is_profile: bool, notes: Notes) -> bool:
    """Chromium's marks that a profile is in use lead to where it was in use; they are no part of it."""
    if parts[-1] not in SINGLETONS:
        return False
    if not is_profile:
        try:
            check_link(parts, target)
        except Problem:
            is_profile = True
    if is_profile:
        notes.skipped(b"/".join(parts), "it says that a browser runs elsewhere")
    return is_profile


def _leads_nowhere() -> Problem:
    return bad_archive("a hard link leads to no file that comes before it")


def _mode(fd: int, name: bytes) -> int:
    """With the bits that tell the kind; 0 if there is nothing of this name."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _is_file(fd: int, name: bytes) -> bool:
    return stat.S_ISREG(_mode(fd, name))
