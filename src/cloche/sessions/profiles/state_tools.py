"""What a session's part takes from `cloche.browser.state`: one value, so that a test can hand in another."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cloche.browser.call import Call
from cloche.browser.contract.state import (
    GetStorageStateRequest,
    GetStorageStateResponse,
    SetStorageStateRequest,
    SetStorageStateResponse,
)
from cloche.browser.session_browser import Browser
from cloche.browser.state.keeping import Restored, capture, restore
from cloche.browser.state.kept_state import KeptState
from cloche.browser.state.storage_state import kept_storage_state, set_storage_state


class CallsBrowser(Protocol):
    """What the browser service does for what is kept of its session."""

    async def outside_budget(self, timeout_s: float) -> Call:
        """A call over the service's own connection, which takes nothing from the budget and waits for nobody's turn.

        Raises: ActionError, and whatever dialling raises.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTools:
    capture: Callable[[Browser, float], Awaitable[KeptState]]
    restore: Callable[[Browser, KeptState, float], Awaitable[Restored]]
    get_storage_state: Callable[[Call, GetStorageStateRequest], Awaitable[GetStorageStateResponse]]
    set_storage_state: Callable[[Call, SetStorageStateRequest], Awaitable[SetStorageStateResponse]]


CHROMIUM_STATE: Final = StateTools(
    capture=capture, restore=restore, get_storage_state=kept_storage_state, set_storage_state=set_storage_state
)
"""The real ones."""
