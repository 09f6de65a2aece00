"""What grows inside a program: every container that can be reached from an object, and how much is in it.

    before = below(world.manager)
    ...                                 # what should leave nothing behind
    assert grown(before, below(world.manager)) == []

Only what is ours is followed. A library's caches have bounds of their own, and a loop, a frame or a module leads to the
test itself.
"""

import gc
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Final

FOREIGN: Final = (
    "aiosqlite",
    "asyncio",
    "_asyncio",
    "cloche.testing",
    "concurrent",
    "logging",
    "prometheus_client",
    "sqlalchemy",
    "sqlite3",
    "structlog",
    "threading",
    "uvloop",
    "weakref",
)
# A frame or a coroutine that waits holds what it works on, and is reached from the loop as well.
OPAQUE: Final = (ModuleType, CodeType, FrameType, BuiltinFunctionType, type, Enum)
CONTAINERS: Final = (dict, set, list, deque)


@dataclass(frozen=True, slots=True)
class Holding:
    """A container: the way to it, and how many are in it. It is kept, so that nothing else gets its identity."""

    path: str
    size: int
    container: object


Holdings = dict[int, Holding]
"""By the container's identity."""


def below(*roots: object) -> Holdings:
    """Every container that is reached from `roots`, but those that bound themselves."""
    found: Holdings = {}
    seen = set[int]()
    # The shortest way to each is the one that says most.
    ahead = deque((root, type(root).__name__) for root in roots)
    while ahead:
        one, path = ahead.popleft()
        if id(one) in seen or _is_foreign(one):
            continue
        seen.add(id(one))
        if isinstance(one, CONTAINERS) and not (isinstance(one, deque) and one.maxlen is not None):
            found[id(one)] = Holding(path, len(one), one)
        ahead.extend((each, f"{path}{step}") for step, each in _next(one))
    return found


def grown(before: Holdings, after: Holdings) -> list[str]:
    """Say which containers hold more than they did."""
    return sorted(
        f"{holding.path}: {before[number].size} → {holding.size}"
        for number, holding in after.items()
        if number in before and holding.size > before[number].size
    )


def _is_foreign(one: object) -> bool:
    return isinstance(one, OPAQUE) or type(one).__module__.startswith(FOREIGN)


def _next(one: Any) -> Iterator[tuple[str, object]]:
    if isinstance(one, dict):
        yield from ((f"[{str(key)[:40]}]", value) for key, value in tuple(one.items()))
        yield from (("[key]", key) for key in tuple(one))
    elif isinstance(one, FunctionType):
        # Not its globals: they are the module's.
        yield from ((f"({one.__name__})", cell.cell_contents) for cell in one.__closure__ or () if _is_filled(cell))
        yield from ((f"({one.__name__})", each) for each in one.__defaults__ or ())
    elif isinstance(one, MethodType):
        yield "", one.__self__
    elif isinstance(one, Iterable) and isinstance(one, (list, tuple, set, frozenset, deque)):
        yield from (("[]", each) for each in tuple(one))
    else:
        named = getattr(one, "__dict__", None)
        slots = (name for kind in type(one).__mro__ for name in _slots(kind))
        yield from ((f".{name}", value) for name, value in tuple((named or {}).items()))
        yield from ((f".{name}", getattr(one, name)) for name in slots if hasattr(one, name))
        if named is None:
            yield from (("", each) for each in gc.get_referents(one))


def _slots(kind: type) -> Iterable[str]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the only way to know
    except ValueError:
        return False
    return True
