"""Which function carries out which use case."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from cloche.browser.call import Call
from cloche.browser.contract.common import BrowserRequest, BrowserResponse

Function = Callable[[Call, Any], Awaitable[BrowserResponse]]

FUNCTIONS: Final[Mapping[type[BrowserRequest], Function]] = {}
