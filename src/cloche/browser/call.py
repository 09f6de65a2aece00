"""One call of the browser service on its way through `browser`: what every use case's function is handed. Pure.

A use case is a function `async def name(call: Call, request: NameRequest) -> NameResponse` in one of this package's
modules, entered in `functions`. It raises `ActionError` for what did not succeed; `sessions.browsing` makes the
response of that, takes from the budget, writes the logs and fills in `usage`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloche.browser.session_browser import Browser
    from cloche.browser.tab import Tab


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The part of a session's budget that bounds single calls. Bytes are upper bounds of what is answered."""

    navigation_timeout_ms: int = 15_000
    action_timeout_ms: int = 5_000
    type_bytes: int = 64 << 10
    upload_bytes: int = 8 << 20
    response_bytes: int = 32 << 20
    """Of a navigation's main response."""
    screenshot_bytes: int = 8 << 20
    pdf_bytes: int = 32 << 20
    title_bytes: int = 4 << 10
    snapshot_bytes: int = 64 << 10
    text_bytes: int = 16 << 10
    network_log_entries: int = 256
    network_log_bytes: int = 64 << 10
    console_log_entries: int = 256
    tabs: int = 32


@dataclass(frozen=True, slots=True)
class Blocked:
    """That the gateway refused a connection, and why: `reason` is the gateway's slug, `rule` the rule's own text."""

    reason: str
    rule: str


WhyBlocked = Callable[[str, int], Blocked | None]
"""Host and port of a failed request to the gateway's recent refusal of it, if there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Made by `sessions.browsing` for one request."""

    browser: "Browser"
    limits: Limits
    deadline: float
    """Of the whole call, on the running loop's clock. Already the smaller of what was asked and the budget's."""
    selected: "Tab | None" = None
    """The tab that the request names or the active one; None for requests that name none."""

    @property
    def tab(self) -> "Tab":
        assert self.selected is not None, "this use case names no tab"
        return self.selected
