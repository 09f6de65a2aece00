"""One open file that grows, read in pieces from a place on; it notices when what it has read is no longer there."""

import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

from cloche.agent.machine.beneath import Place, open_beneath
from cloche.agent.machine.logs.lines import Line, LineSplitter
from cloche.agent.machine.logs.position import CHECKED_BYTES, Position, check_of
from cloche.agent.machine.problem import Problem

PIECE_BYTES: Final = 64 * 1024
PIECE_LINES: Final = 2048
"""As many take a few milliseconds to tell, and nobody else gets a turn before they are told."""

_CONTEXT_BYTES: Final = 2 * CHECKED_BYTES
"""Of what was read before, compared at each read; more than is checked, since a line may end a little before it."""


class Changed(Exception):
    """What was read is not in the file any more, or is not what it was: the file was truncated or written over."""


class Identity(NamedTuple):
    """Which file it is, whatever its name is."""

    device: int
    inode: int


class Found(NamedTuple):
    """What a path leads to at this moment."""

    identity: Identity
    size_bytes: int


class LogFile:
    """Owned by whoever opened it, who closes it."""

    def __init__(self, fd: int) -> None:
        """Take over a descriptor of a regular file; reading begins at its beginning."""
        self._fd = fd
        found = os.fstat(fd)
        self.identity = Identity(found.st_dev, found.st_ino)
        self.opened_bytes = found.st_size
        """How large it was when it was opened."""
        self.offset = 0
        """Where the next read begins."""
        self._window = b""
        """What stands before that: the bytes of the last read, and some before them."""
        self._splitter = LineSplitter()

    def close(self) -> None:
        os.close(self._fd)

    @property
    def is_waiting(self) -> bool:
        """A line has begun of which something is held back."""
        return self._splitter.is_waiting

    def seek(self, offset: int) -> None:
        """Go on reading at an offset. Raises: Changed: the file ends before it."""
        begin = max(0, offset - _CONTEXT_BYTES)
        before = os.pread(self._fd, offset - begin, begin)
        if len(before) < offset - begin:
            raise Changed
        self.offset, self._window, self._splitter = offset, before, LineSplitter(offset)

    def resume(self, position: Position) -> None:
        """Go on after a line that was told. Raises: Changed: what stands there now is something else."""
        self.seek(position.offset)
        if check_of(self._window) != position.check:
            self.seek(0)
            raise Changed

    def seek_tail(self, count: int) -> Iterator[None]:
        """Go on at the last `count` lines; yields after each piece that it has looked through, back from the end.

        Raises: Changed: it was truncated meanwhile.
        """
        end = begin = os.fstat(self._fd).st_size
        left = count
        while begin and left:
            stop, begin = begin, max(0, begin - PIECE_BYTES)
            piece = os.pread(self._fd, stop - begin, begin)
            if len(piece) < stop - begin:
                raise Changed
            at = len(piece) - 1 if stop == end and piece.endswith(b"\n") else len(piece)  # the last line's own end
            there = piece.count(b"\n", 0, at)
            if there >= left:
                for _ in range(left):
                    at = piece.rfind(b"\n", 0, at)
                begin += at + 1
                break
            left -= there
            yield
        self.seek(begin if count else end)

    def read(self, limit: int = PIECE_BYTES) -> tuple[bool, list[Line]]:
        """Return whether there was anything to read, and the lines that it finished. Raises: Changed."""
        context = self._window[-_CONTEXT_BYTES:]
        window = os.pread(self._fd, len(context) + limit, self.offset - len(context))
        if not window.startswith(context):
            raise Changed
        data = window[len(context) :]
        if data.count(b"\n") > PIECE_LINES:
            data = data[: -len(data.split(b"\n", PIECE_LINES)[-1])]
        self._window = window[: len(context) + len(data)]
        self.offset += len(data)
        return bool(data), self._splitter.feed(data) if data else []

    def give(self, *, everything: bool = False) -> list[Line]:
        """See `LineSplitter.give`."""
        return self._splitter.give(everything=everything)

    def end(self) -> list[Line]:
        """See `LineSplitter.end`."""
        return self._splitter.end()

    @property
    def position(self) -> Position:
        """Where the next read begins; only before the first."""
        return Position(*self.identity, self.offset, check_of(self._window))

    def ids(self, lines: list[Line]) -> list[str]:
        """Where to go on after each of the lines that the last read, `give` or `end` returned: their positions."""
        window, begin = self._window, self.offset - len(self._window)
        prefix = f"{self.identity.device:x}-{self.identity.inode:x}"  # as `str(Position)`, in a third of the time
        ids: list[str] = []
        for line in lines:
            stop = line.end - begin
            ids.append(f"{prefix}-{line.end:x}-{check_of(window[max(0, stop - CHECKED_BYTES) : stop]):x}")
        return ids


def look_up(place: Place) -> Found | None:
    """Return what a path leads to now, or None where there is no file to be read.

    For whoever follows it, a path that has come to lead to a directory, or outside, is as good as a missing one.
    """
    try:
        fd = open_beneath(place, os.O_PATH)
    except (OSError, Problem):
        return None
    try:
        found = os.fstat(fd)
    finally:
        os.close(fd)
    if not stat.S_ISREG(found.st_mode):
        return None
    return Found(Identity(found.st_dev, found.st_ino), found.st_size)


def open_log(place: Place) -> LogFile:
    """Open a regular file; opening a FIFO or a device could have an effect of its own, so they are not opened.

    Raises: Problem 400: it is no regular file, or lies outside. OSError.
    """
    path_fd = open_beneath(place, os.O_PATH)
    try:
        if not stat.S_ISREG(os.fstat(path_fd).st_mode):
            raise Problem(400, "not_a_file", "it is no regular file")
        fd = os.open(f"/proc/self/fd/{path_fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(path_fd)
    return LogFile(fd)
