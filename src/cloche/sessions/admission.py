"""May there be one more session? Pure decisions: the book of places. Who finds none may wait: `sessions.waiting`.

A place is taken before anything is awaited and given back exactly once, so that a hundred creates at once admit
exactly as many as there is room for.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from cloche.errors import NoRoomError, QuotaError
from cloche.ids import PrincipalName


class Refused(StrEnum):
    """Why a create is not admitted: the `reason` of the error, and a metric's label. Stable."""

    QUOTA = "quota"
    SESSIONS = "sessions"
    """Every place is taken."""
    MEMORY = "memory"
    PIDS = "pids"
    CPU = "cpu"
    IO = "io"
    QUEUE_FULL = "queue_full"
    QUEUE_TIMEOUT = "queue_timeout"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    max_sessions: int
    max_sessions_per_principal: int


class Admission:
    """The book of taken places. Owned by the queue; not safe for threads, by design: it never awaits."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._by_principal: Counter[PrincipalName] = Counter()
        self._resting = 0
        self._closed = False

    @property
    def taken(self) -> int:
        """Places on the server; a session that is hibernated counts for its principal alone."""
        return self._by_principal.total() - self._resting

    @property
    def has_room(self) -> bool:
        return not self._closed and self.taken < self._limits.max_sessions

    @property
    def is_closed(self) -> bool:
        return self._closed

    def require(self, principal: PrincipalName, *, waiting: int = 0) -> None:
        """Check whether the principal may have another place at all, now or later.

        Raises:
            QuotaError: with those it waits for it has as many as it may. Others' going would not help.
            NoRoomError: the server is stopping.
        """
        if self._closed:
            raise NoRoomError("the server is stopping", reason=Refused.STOPPING)
        if self._by_principal[principal] + waiting >= self._limits.max_sessions_per_principal:
            raise QuotaError("you have as many sessions as your quota allows", reason=Refused.QUOTA)

    def take(self, principal: PrincipalName) -> None:
        """Take a place. Raises: as `require`; NoRoomError when the server has as many sessions as it may."""
        self.require(principal)
        if not self.has_room:
            raise NoRoomError("the server has no room for another session now", reason=Refused.SESSIONS)
        self._by_principal[principal] += 1

    def take_back(self, principal: PrincipalName) -> None:
        """Count a session that an earlier daemon had already admitted; it is never refused."""
        self._by_principal[principal] += 1

    def give_back(self, principal: PrincipalName) -> None:
        self._by_principal[principal] -= 1
        if self._by_principal[principal] <= 0:
            del self._by_principal[principal]

    def lie_down(self) -> None:
        """A session has been hibernated: its place on the server is another's."""
        self._resting += 1

    def get_up(self) -> None:
        """Take its place again. Raises: NoRoomError."""
        if self._closed:
            raise NoRoomError("the server is stopping", reason=Refused.STOPPING)
        if not self.has_room:
            raise NoRoomError("the server has no room to bring the session back now", reason=Refused.SESSIONS)
        self._resting -= 1

    def rests_no_more(self) -> None:
        """A session has ended while it was hibernated: `give_back` comes next."""
        self._resting -= 1

    def close(self) -> None:
        """Admit no one from here on."""
        self._closed = True
