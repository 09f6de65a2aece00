"""One step of what hands do: a command for Chromium, or a word to the session about the clipboard. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Params = Mapping[str, Any]
"""Of a DevTools command; nothing in it is changed once it is made."""


class Role(StrEnum):
    """What may be done with a command while it waits: see `queue`."""

    MOVE = "move"
    """Of a pointer or of touches: one that directly follows makes it needless."""
    WHEEL = "wheel"
    """Adds up with one that directly follows."""
    BEGIN = "begin"
    """Presses something: all commands of its `unit` belong to it, up to its end."""
    CONTINUE = "continue"
    """Of what is pressed already: a key that repeats, a further finger, one finger of several lifted."""
    END = "end"
    """Lifts it. Must reach Chromium if its beginning has."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """One call of Chromium's `Input` domain, to be sent in order and without awaiting the answer.

    Chromium may answer with an error (the page has gone, nothing is being dragged); that is no fault of the viewer.
    """

    method: str
    params: Params
    role: Role = Role.OTHER
    unit: int = 0
    """Counts presses up from 1 for the life of the `Hands`; 0: of none."""
    pastes: bool = False
    """Whether it puts in text of the viewer's clipboard."""


@dataclass(frozen=True, slots=True)
class TellSelection:
    """The viewer copies or cuts: tell it the text that is selected in the page (`clipboard` of the protocol).

    The text must have been read before the commands after this one are sent, because a cut removes it. Where it may
    not leave, nothing is told, and those commands are sent all the same: they copy to the browser's own clipboard,
    inside the sandbox.
    """

    cut: bool


Step = Command | TellSelection
