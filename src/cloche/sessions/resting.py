"""How a session rests: what was asked and is in force of standby, and where it is while it is hibernated. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloche.ids import ProfileId

HIBERNATED: Final = "hibernated"
"""The reason of a runner's end that is not its session's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyRequest:
    """To be put to sleep when nobody uses it; None leaves the time to the server."""

    after_s: float | None = None
    hibernate_after_s: float | None = None
    """None: it is hibernated only when it is told to, or when room is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyUse:
    """What is in force."""

    after_s: float
    """Without clients, viewers, actions and programs for so long, it sleeps."""
    hibernate_after_s: float | None = None
    """Asleep for so long, it is hibernated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Where the state of a hibernated session is."""

    profile: ProfileId
    """Its own profile, to which it saves, or one that was made for this and that nobody is shown."""
    revision: int
    size_bytes: int
    """Sealed, on the disk."""
    taken_at: datetime
