"""What the service takes from `cloche.browser`: one value, so that a test can hand in another."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cloche.browser.call import Call, Limits, WhyBlocked
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.functions import FUNCTIONS
from cloche.browser.memory import Memory
from cloche.browser.opening import open_browser
from cloche.browser.pictures.failure import failure_screenshot
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab

Function = Callable[[Call, Any], Awaitable[BrowserResponse]]
"""One use case. Takes the request of its row in `use_cases`. Raises: ActionError."""
FailureScreenshot = Callable[[Tab, Limits, int], Awaitable[tuple[bytes, str]]]
"""A picture of a tab of at most so many bytes, and its media type; both empty where there is none to be had."""


class Open(Protocol):
    """`browser.opening.open_browser`."""

    def __call__(
        self, sock: socket.socket, path: str, *, memory: Memory, limits: Limits, why_blocked: WhyBlocked
    ) -> Awaitable[Browser]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    open: Open = open_browser
    make_memory: Callable[[Limits], Memory] = Memory.within
    functions: Mapping[type[BrowserRequest], Function]
    failure_screenshot: FailureScreenshot


CHROMIUM: Final = Tools(functions=FUNCTIONS, failure_screenshot=failure_screenshot)
"""The real ones."""
