"""How long and how large a recording may become. Pure."""

from dataclasses import dataclass
from typing import Final

from cloche.errors import InvalidError
from cloche.sessions.live.interface import RecordingRequest

MIB: Final = 1 << 20
MIN_BYTES: Final = 256 << 10
"""Of what is asked for: a key frame of a full page is not much smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLimits:
    """The server's, from its settings."""

    max_seconds: int = 3_600
    max_bytes: int = 256 * MIB
    at_once: int = 32
    """Sessions that are recorded side by side; also recordings that wait to be made into files."""
    min_free_bytes: int = 1024 * MIB
    """Of the disk: with less, nothing is begun, and what is being recorded ends."""
    max_fps: float = 25.0
    """Where nobody watches who wants more."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Of one part."""

    max_seconds: int
    max_bytes: int


def caps_of(request: RecordingRequest, limits: RecordingLimits) -> Caps:
    """What was asked for, under the server's ceilings. Raises: InvalidError."""
    if request.max_seconds is not None and request.max_seconds < 1:
        raise InvalidError("must be at least 1", field="max_seconds")
    if request.max_bytes is not None and request.max_bytes < MIN_BYTES:
        raise InvalidError(f"must be at least {MIN_BYTES}", field="max_bytes")
    return Caps(
        max_seconds=min(request.max_seconds or limits.max_seconds, limits.max_seconds),
        max_bytes=min(request.max_bytes or limits.max_bytes, limits.max_bytes),
    )
