"""What a pool is: what is stored of a named one, what is asked of it, and what the doors show."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloche.sessions.model import SessionRequest
from cloche.sessions.pool.stock import StockState

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label (RFC 1123, section 2.1): it stands in paths and in the labels of metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPool:
    """What is asked for, not yet checked."""

    name: str
    size: int
    request: SessionRequest
    """What each of its sessions is made with. It names no profile, as that is somebody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """One row; of the default pool, which has none, what the settings say."""

    name: str
    size: int
    request: SessionRequest
    """Its upstream proxy is without user and password."""
    upstream_sealed: str | None = field(default=None, repr=False)
    """That proxy as it was given, under the server's key."""
    created_at: datetime | None = None
    """None for the default pool, as is the other: nobody has made it."""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it stands now."""

    record: PoolRecord
    stock: StockState
    in_use: int
    """Sessions that were asked of it and have not ended; of the default pool all that were asked of none."""

    @property
    def hit_rate(self) -> float | None:
        """The share of its sessions that were there before they were asked for, since the daemon's start."""
        asked = self.stock.hits + self.stock.misses
        return self.stock.hits / asked if asked else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    """What one session of a pool has of its own; what is None is the pool's."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside the pool's, and in place of those of the same name."""
    start_url: str | None = None
    idle_timeout_s: int | None = None
    lifetime_s: int | None = None
    queue_timeout_s: float | None = None
    """How long it waits for a place."""
