"""Lets a program's actions wait while a person has taken control of the session. Looking is never held up.

And tells the session's live view what programs do, as far as that changes what a viewer sees.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from cloche.browser.contract.common import ActionError, Failure


class ActionWatcher(Protocol):
    """Who is told when programs act. Called on the loop; must not block or raise."""

    def action_began(self) -> None: ...

    def action_ended(self) -> None: ...

    def tab_chosen(self, tab_id: str) -> None:
        """One was switched to, or opened in front."""
        ...


class _NoWatcher(ActionWatcher):
    def action_began(self) -> None: ...

    def action_ended(self) -> None: ...

    def tab_chosen(self, tab_id: str) -> None: ...


class Pausing:
    """Owned by the session's browser service, turned by its live view.

    What is under way when a person takes control is finished; what comes later waits.
    """

    def __init__(self) -> None:
        self.watcher: ActionWatcher = _NoWatcher()
        """Set once, by the session's live view."""
        self._goes_on = asyncio.Event()
        self._goes_on.set()

    @property
    def is_paused(self) -> bool:
        return not self._goes_on.is_set()

    def pause(self) -> None:
        self._goes_on.clear()

    def resume(self) -> None:
        self._goes_on.set()

    def tab_chosen(self, tab_id: str) -> None:
        self.watcher.tab_chosen(tab_id)

    @asynccontextmanager
    async def let_through(
        self, turn: AbstractAsyncContextManager[None], deadline: float, *, is_action: bool
    ) -> AsyncIterator[None]:
        """Take `turn`, and for an action wait before and after it until nobody has control. `deadline` as the loop's.

        Raises: ActionError (`paused_by_viewer`), and what `turn` raises.
        """
        if not is_action:
            async with turn:
                yield
            return
        await self._pass(deadline)
        entered = False
        try:
            async with turn:
                entered = True
                await self._pass(deadline)  # control may have been taken while an earlier action was under way
                self.watcher.action_began()
                try:
                    yield
                finally:
                    self.watcher.action_ended()
        except ActionError as error:
            if not entered and self.is_paused and error.code is Failure.TIMEOUT:
                raise _paused() from None  # the action before it is waiting for the same
            raise

    async def _pass(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._goes_on.wait()
        except TimeoutError:
            raise _paused() from None


def _paused() -> ActionError:
    return ActionError(Failure.PAUSED_BY_VIEWER, "a person has taken control of the session")
