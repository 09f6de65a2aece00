"""What of a session's browser outlives one Chromium: refs' names, logs, what was set."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from cloche.browser.call import Limits
from cloche.browser.documents import NAMES, DocumentNames
from cloche.browser.logs.console import ConsoleLog
from cloche.browser.logs.network import NetworkLog
from cloche.browser.main_worlds import MainWorlds
from cloche.browser.state.origins import SeenOrigins

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
    network: NetworkLog = field(default_factory=lambda: NetworkLog(256))
    console: ConsoleLog = field(default_factory=lambda: ConsoleLog(256))
    origins: SeenOrigins = field(default_factory=SeenOrigins)
    permissions: dict[str, str] = field(default_factory=dict)
    """What has been set: `camera` and so on, to `allow`, `deny` or `ask`."""
    observers: list[Observer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.observers += [self.network, self.console, self.origins, MainWorlds()]

    @classmethod
    def within(cls, limits: Limits) -> "Memory":
        """One whose logs keep as much as a session's budget allows."""
        network, console = NetworkLog(limits.network_log_entries), ConsoleLog(limits.console_log_entries)
        return cls(network=network, console=console)
