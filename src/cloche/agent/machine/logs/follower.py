"""A file by its name, across rotation and truncation: every line that was in it, or a gap where some may be missing.

At the end of the file that is open, the path is looked up. If it leads to another file, that one's turn comes as soon
as something is in it, for until then its writer may still be writing to the old one; and the old one is first read to
its end. Where old files are numbered (`log.1`, `log.2`), what came and went between two looks is found there and read.
Otherwise nobody knows what came between, and that is told.
"""

from typing import Final, NamedTuple

from cloche.agent.machine.beneath import Place
from cloche.agent.machine.logs.lines import Line
from cloche.agent.machine.logs.log_file import PIECE_BYTES, Changed, Identity, LogFile, look_up, open_log
from cloche.agent.machine.logs.position import Position
from cloche.agent.machine.problem import Problem

UNFINISHED_S: Final = 1.0
"""How long the beginning of a line is held back."""
MAX_NUMBER: Final = 9
"""How many old files are looked through: `log.1` to `log.9`."""

TRUNCATED: Final = "truncated"
"""The file was emptied or written over; what was not read of it is lost."""
REPLACED: Final = "replaced"
"""Another file has taken its name; if there were others between, they are lost."""

_TRIES: Final = 3


class FileLine(NamedTuple):
    text: str
    is_partial: bool
    id: str
    """Its position: where to go on after it."""


class Gap(NamedTuple):
    reason: str


Told = FileLine | Gap


class Follower:
    """Owned by the request that reads, which calls `step` again and again, and closes it."""

    def __init__(self, place: Place, *, follows: bool) -> None:
        """Open what is there. Without `follows` it is read to the end that it has now.

        Raises: Problem; OSError.
        """
        self._place, self._follows = place, follows
        self._file = open_log(place)
        self._last = self._file.identity
        """With which it is finished, unless it follows."""
        self._pending: list[Told] = []
        self._waiting_since: float | None = None
        self.is_idle = False
        """The last step found nothing new."""
        self.is_finished = False
        """There will be nothing more."""

    def close(self) -> None:
        self._file.close()

    @property
    def file(self) -> LogFile:
        """The file that is open now."""
        return self._file

    def resume(self, position: Position) -> None:
        """Go on after a line that was told, in the file that it was in, if that is still to be found."""
        identity = Identity(position.device, position.inode)
        if identity != self._file.identity:
            number = self._number_of(identity)
            older = _open_if_there(self._numbered(number)) if number else None
            if older is None:
                self._pending.append(Gap(REPLACED))
                return
            self._change_to(older)
        try:
            self._file.resume(position)
        except Changed:
            self._pending.append(Gap(TRUNCATED))

    def step(self, now: float) -> list[Told]:
        """Read one piece, or see what has become of the file; `now` is any clock's seconds."""
        told, self._pending = self._pending, []
        try:
            told += self._read()
            if self.is_idle:
                told += self._look_around()
        except Changed:
            told += [*self._tell(self._file.give(everything=True)), Gap(TRUNCATED)]
            self._file.seek(0)
            told += self._read()
            self.is_idle = False
        return told + self._overdue(now)

    def _read(self) -> list[Told]:
        limit = PIECE_BYTES
        if not self._follows:
            limit = max(0, min(limit, self._file.opened_bytes - self._file.offset))
        has_read, lines = self._file.read(limit)
        self.is_idle = not has_read
        return self._tell(lines)

    def _look_around(self) -> list[Told]:
        """At the end of the file: change over to the one that came after it, if there is one."""
        successor = None
        if self._follows or self._file.identity != self._last:
            successor = self._successor()
        if successor is None:
            self.is_finished = not self._follows
            return self._tell(self._file.give(everything=True)) if self.is_finished else []
        newer, is_next = successor
        try:
            has_read, lines = self._file.read()  # its writer may have been at it until the other was there
        except Changed:
            newer.close()
            raise
        if has_read:
            newer.close()
            self.is_idle = False
            return self._tell(lines)
        told = self._tell(self._file.end()) + ([] if is_next else [Gap(REPLACED)])
        self._change_to(newer)
        told += self._read()  # at once: what is truncated before anything of it was read is lost without a trace
        self.is_idle = False
        return told

    def _successor(self) -> tuple[LogFile, bool] | None:
        """Open the file that came after the one that is open; False: there may have been others between."""
        for _ in range(_TRIES):
            latest = look_up(self._place)
            if latest is None or latest.identity == self._file.identity:
                return None
            number = self._number_of(self._file.identity)
            if number <= 1 and not latest.size_bytes:
                return None
            newer = _open_if_there(self._numbered(number - 1) if number > 1 else self._place)
            if newer is None:
                return None
            # Files are only ever moved to higher numbers, the oldest first. So if ours has not moved, then what was
            # opened is what came after it.
            if newer.identity != self._file.identity and self._number_of(self._file.identity) == number:
                if number <= 1:
                    self._last = newer.identity
                return newer, number > 0
            newer.close()
        return None

    def _number_of(self, identity: Identity) -> int:
        """Return the number of an old file, or 0 where it is not among them."""
        for number in range(1, MAX_NUMBER + 1):
            found = look_up(self._numbered(number))
            if found is not None and found.identity == identity:
                return number
        return 0

    def _numbered(self, number: int) -> Place:
        *parents, name = self._place.parts
        return self._place._replace(parts=(*parents, b"%b.%d" % (name, number)))

    def _change_to(self, file: LogFile) -> None:
        self._file.close()
        self._file = file

    def _overdue(self, now: float) -> list[Told]:
        """What has been held back of an unfinished line for too long."""
        if not self._file.is_waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since >= UNFINISHED_S:
            self._waiting_since = now
            return self._tell(self._file.give())
        return []

    def _tell(self, lines: list[Line]) -> list[Told]:
        if lines:
            self._waiting_since = None
        ids = self._file.ids(lines)
        return [FileLine(line.text, line.is_partial, id_) for line, id_ in zip(lines, ids, strict=True)]


def _open_if_there(place: Place) -> LogFile | None:
    try:
        return open_log(place)
    except (OSError, Problem):
        return None
