"""What the sniffers say to one another. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.types import BY_NAME, FileType

MAX_DEPTH: Final = 3
MAX_UNPACKED_BYTES: Final = 1 << 20
MAX_PEEKS: Final = 256


@dataclass(frozen=True, slots=True)
class Content:
    type: FileType | None
    """None: nobody here knows."""
    reasons: frozenset[Reason] = frozenset()


@dataclass(slots=True)
class Budget:
    """What may still be unpacked of one file, archives within archives included."""

    bytes_left: int = MAX_UNPACKED_BYTES
    peeks_left: int = MAX_PEEKS
    depth: int = 0
    max_ratio: int = 100
    free_bytes: int = 16 << 20
    """An archive that unpacks to no more than this is no bomb, whatever its ratio."""

    def take(self, count: int) -> None:
        self.bytes_left -= count


Look = Callable[[Sample, Budget], Content]


def content(name: str, *reasons: Reason) -> Content:
    return Content(BY_NAME[name], frozenset(reasons))


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive. `read` gives its first bytes, as many as asked for and can be had."""

    name: str
    size: int
    read: Callable[[int], bytes] = field(repr=False)
    link_target: str | None = None
    """Where it points to, if it is a link."""
