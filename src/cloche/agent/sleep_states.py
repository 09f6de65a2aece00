"""The states between awake and asleep, and what each sign means in each of them. Pure.

    awake ──sleep──► draining ──ready──► asleep ──wake, resumed──► waking ──done──► awake
                        │                                            ▲
                        └───────refused, wake, resumed───────────────┘

A machine that is resumed while awake stays awake: only what was before it is made anew.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class State(StrEnum):
    AWAKE = "awake"
    DRAINING = "draining"
    ASLEEP = "asleep"
    WAKING = "waking"


class Sign(StrEnum):
    """What happens to a sleeper: what the host asks, what the clocks show, and how its own doings end."""

    SLEEP = "sleep"
    WAKE = "wake"
    RESUMED = "resumed"
    """The machine was stopped and goes on, and nobody has said so."""
    READY = "ready"
    REFUSED = "refused"
    DONE = "done"


class Move(StrEnum):
    """What a sleeper does about it."""

    NOTHING = "nothing"
    """It is so already; or the sign comes too late to mean anything."""
    JOIN = "join"
    """It is being done: wait for it to end, and share its outcome."""
    WAIT = "wait"
    """Something else must end first; then look again."""
    DRAIN = "drain"
    GIVE_UP_DRAIN = "give up drain"
    """Stop getting ready, then bring back what was put to rest."""
    RESTORE = "restore"
    FRESHEN = "freshen"
    """Nothing was put to rest, but connections and measurements are from before."""


class Next(NamedTuple):
    state: State
    move: Move


_NEXT: Final = {
    (State.AWAKE, Sign.SLEEP): Next(State.DRAINING, Move.DRAIN),
    (State.AWAKE, Sign.RESUMED): Next(State.AWAKE, Move.FRESHEN),
    (State.DRAINING, Sign.SLEEP): Next(State.DRAINING, Move.JOIN),
    (State.DRAINING, Sign.WAKE): Next(State.WAKING, Move.GIVE_UP_DRAIN),
    (State.DRAINING, Sign.RESUMED): Next(State.WAKING, Move.GIVE_UP_DRAIN),
    (State.DRAINING, Sign.READY): Next(State.ASLEEP, Move.NOTHING),
    (State.DRAINING, Sign.REFUSED): Next(State.WAKING, Move.RESTORE),
    (State.ASLEEP, Sign.WAKE): Next(State.WAKING, Move.RESTORE),
    (State.ASLEEP, Sign.RESUMED): Next(State.WAKING, Move.RESTORE),
    (State.WAKING, Sign.SLEEP): Next(State.WAKING, Move.WAIT),
    (State.WAKING, Sign.WAKE): Next(State.WAKING, Move.JOIN),
    (State.WAKING, Sign.DONE): Next(State.AWAKE, Move.NOTHING),
}


def after(state: State, sign: Sign) -> Next:
    """Return the state that follows, and what to do; a sign that means nothing in a state changes nothing."""
    return _NEXT.get((state, sign), Next(state, Move.NOTHING))
