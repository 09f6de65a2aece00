"""Refusals as events: the first of a kind at once, its repetitions as one number a second. Pure.

A page can ask for a thousand refused hosts a second. What leaves this module stays bounded: per second at most
`MAX_KINDS` different (host, port, reason) and then one overflow entry per reason, each at most twice.
"""

from dataclasses import dataclass, replace
from typing import Final

from cloche.egress.policy import RefusalReason

WINDOW_S: Final = 1.0
MAX_KINDS: Final = 32


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of refused connection. `count` says how many it stands for.

    `host` is what the page asked for, at most 255 characters, possibly hostile; empty where nothing was asked for
    yet or where more hosts were refused in a second than are told apart (`port` is 0 then).
    """

    host: str
    port: int
    reason: RefusalReason
    rule: str = ""
    count: int = 1


_Key = tuple[str, int, RefusalReason]


class RefusalWindow:
    """Coalesces refusals within windows of one second; the owner calls `flush` when a window ends."""

    def __init__(self) -> None:
        self._held: dict[_Key, Refusal] = {}

    def record(self, refusal: Refusal) -> Refusal | None:
        """Take note; returns what is to be told now, None when it waits for the end of the window."""
        key: _Key = (refusal.host, refusal.port, refusal.reason)
        if key not in self._held and len(self._held) >= MAX_KINDS:
            refusal = Refusal("", 0, refusal.reason, "many hosts")
            key = ("", 0, refusal.reason)
        held = self._held.get(key)
        # Told at once: what is held stands for repetitions only, so it starts from none.
        self._held[key] = replace(refusal, count=0) if held is None else replace(held, count=held.count + 1)
        return refusal if held is None else None

    def flush(self) -> list[Refusal]:
        """End the window: return what was held back in it."""
        held, self._held = self._held, {}
        return [refusal for refusal in held.values() if refusal.count]
