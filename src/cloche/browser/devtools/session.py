"""One target's flattened session on a connection (CDP Target.attachToTarget with `flatten`)."""

import asyncio
from typing import Any, TypeVar, cast

import msgspec

from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.connection import Connection
from cloche.browser.devtools.errors import TargetGoneError

T = TypeVar("T")


class TargetSession:
    """Owned by its tab. Of no use once the target has gone: every call then raises TargetGoneError."""

    def __init__(self, connection: Connection, session_id: str, target_id: str) -> None:
        self.connection = connection
        self.id = session_id
        self.target_id = target_id
        self.is_gone = False

    def begin(self, method: str, params: Json | None = None, *, held_up: bool = True) -> "asyncio.Future[msgspec.Raw]":
        """See `Connection.begin`."""
        if self.is_gone:
            future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
            future.set_exception(TargetGoneError("the page has gone"))
            return future
        return self.connection.begin(method, params, session_id=self.id, held_up=held_up)

    async def call(
        self,
        method: str,
        params: Json | None = None,
        kind: type[T] = cast(Any, dict[str, Any]),  # noqa: B008 - a type, made once
        *,
        deadline: float,
        held_up: bool = True,
    ) -> T:
        """See `Connection.call`."""
        if self.is_gone:
            raise TargetGoneError("the page has gone")
        return await self.connection.call(method, params, kind, session_id=self.id, deadline=deadline, held_up=held_up)

    def ask(self, method: str, params: Json | None = None) -> "asyncio.Future[msgspec.Raw]":
        """Send a call whose answer somebody may look at, or nobody."""
        answer = self.begin(method, params, held_up=False)
        answer.add_done_callback(_look_away)
        return answer

    def notify(self, method: str, params: Json | None = None) -> None:
        """Send a call whose answer nobody waits for."""
        self.ask(method, params)

    def gone(self, *, crashed: bool = False) -> None:
        """The target is no more: calls under way end."""
        self.is_gone = True
        self.connection.fail([self.id], TargetGoneError("the page has gone", crashed=crashed))


def _look_away(future: "asyncio.Future[msgspec.Raw]") -> None:
    """An exception that nobody asks for would be logged as forgotten."""
    if not future.cancelled():
        future.exception()
