"""In which execution context the scripts of a frame's page run."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from cloche.browser.devtools.bounds import Id
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError

if TYPE_CHECKING:
    from cloche.browser.devtools.session import TargetSession
    from cloche.browser.frame import Frame
    from cloche.browser.tab import Tab

_NOTE: Final = "main_worlds"
MAX_NOTED: Final = 2000
"""Frames of a tab; beyond, those that are no more are forgotten. Pages add and remove frames without end."""


class _Aux(msgspec.Struct):
    isDefault: bool = False
    frameId: Id = ""


class _Context(msgspec.Struct):
    id: int
    auxData: _Aux = msgspec.field(default_factory=_Aux)


class _Created(msgspec.Struct):
    """CDP Runtime.executionContextCreated."""

    context: _Context


class MainWorlds:
    """An observer of all tabs. Notes the newest main world of each frame with its tab."""

    methods = frozenset({"Runtime.executionContextCreated"})

    def take(self, tab: "Tab", session: "TargetSession", method: str, params: msgspec.Raw) -> None:
        try:
            context = read(params, _Created).context
        except AnswerMalformedError:
            return  # of no frame: a worker's, say
        if context.auxData.isDefault and context.auxData.frameId in tab.frames:
            worlds: dict[str, tuple[str, int]] = tab.notes.setdefault(_NOTE, {})
            if len(worlds) >= MAX_NOTED:
                for gone in worlds.keys() - tab.frames.keys():
                    del worlds[gone]
            worlds[context.auxData.frameId] = (session.id, context.id)


def main_world(frame: "Frame") -> int:
    """The context id on the frame's session; 0 for the one that DevTools takes by itself, the root frame's."""
    noted: Any = frame.tab.notes.get(_NOTE, {}).get(frame.id)
    return noted[1] if noted is not None and noted[0] == frame.session.id else 0
