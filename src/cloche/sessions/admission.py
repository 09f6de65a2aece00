"""May there be one more session? Pure decisions; the manager counts.

A place is taken before anything is awaited and given back exactly once, so that a hundred creates at once admit
exactly as many as there is room for.
"""

from collections import Counter
from dataclasses import dataclass

from cloche.errors import BusyError, QuotaError
from cloche.ids import PrincipalName


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    max_sessions: int
    max_sessions_per_principal: int


class Admission:
    """The book of taken places. Owned by the manager; not safe for threads, by design: it never awaits."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._by_principal: Counter[PrincipalName] = Counter()
        self._closed = False

    @property
    def taken(self) -> int:
        return self._by_principal.total()

    @property
    def has_room(self) -> bool:
        return not self._closed and self.taken < self._limits.max_sessions

    def take(self, principal: PrincipalName) -> None:
        """Take a place.

        Raises:
            QuotaError: the principal has as many sessions as it may.
            BusyError: the server has, or it is stopping.
        """
        if self._closed:
            raise BusyError("the server is stopping")
        if self._by_principal[principal] >= self._limits.max_sessions_per_principal:
            raise QuotaError("you have as many sessions as your quota allows")
        if self.taken >= self._limits.max_sessions:
            raise BusyError("the server has no room for another session now")
        self._by_principal[principal] += 1

    def take_back(self, principal: PrincipalName) -> None:
        """Count a session that an earlier daemon had already admitted; it is never refused."""
        self._by_principal[principal] += 1

    def give_back(self, principal: PrincipalName) -> None:
        self._by_principal[principal] -= 1
        if self._by_principal[principal] <= 0:
            del self._by_principal[principal]

    def close(self) -> None:
        """Admit no one from here on."""
        self._closed = True
