"""Who may use a profile at the same time: one that writes, any number that read. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloche.ids import ProfileId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A session uses a profile. It holds until it is given back, or its session is not known to a new daemon."""

    profile_id: ProfileId
    session_id: SessionId
    writes: bool
    revision: int = 0
    """The last one when it was taken, which a reader finds until it gives the lease back. 0: there was none."""
    taken_at: datetime


class Refusal(StrEnum):
    """Why not: the `reason` of a conflict."""

    IN_USE = "profile_in_use"
    LOST = "lease_lost"


def may_take(held: Iterable[Lease], session_id: SessionId, *, writes: bool) -> Refusal | None:
    """Tell whether a session gets a lease beside those that are held. Its own stands in nobody's way."""
    others = (lease for lease in held if lease.session_id != session_id)
    return Refusal.IN_USE if writes and any(lease.writes for lease in others) else None


def may_save(held: Iterable[Lease], session_id: SessionId | None) -> Refusal | None:
    """Tell whether a session may save, or (None) somebody who is no session, while these leases are held."""
    writer = next((lease.session_id for lease in held if lease.writes), None)
    if session_id is None:
        return Refusal.IN_USE if writer is not None else None
    return Refusal.LOST if writer != session_id else None


def may_delete(held: Collection[Lease], *, force: bool) -> Refusal | None:
    """Tell whether the profile may go from under those who use it."""
    return Refusal.IN_USE if held and not force else None


def left_over(sessions: Iterable[SessionId], keep: Collection[SessionId]) -> list[SessionId]:
    """Of the sessions that hold leases, those that are gone."""
    alive = frozenset(keep)
    return [session_id for session_id in sessions if session_id not in alive]
