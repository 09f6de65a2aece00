"""What of a session's browser outlives one Chromium: refs' names, logs, what was set."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from cloche.browser.documents import NAMES, DocumentNames

if TYPE_CHECKING:
    from cloche.browser.devtools.session import TargetSession
    from cloche.browser.tab import Tab


class Observer(Protocol):
    """Takes note of DevTools events of all tabs, as they come. Must not block or raise."""

    methods: frozenset[str]

    def take(self, tab: "Tab", session: "TargetSession", method: str, params: msgspec.Raw) -> None: ...


@dataclass(slots=True)
class Memory:
    """One for each session, made with it. Observers are told of events in order, from whichever Chromium."""

    documents: DocumentNames = field(default_factory=lambda: DocumentNames(secrets.randbelow(NAMES)))
    observers: list[Observer] = field(default_factory=list)
