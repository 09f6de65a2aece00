"""A raw client of the Chrome DevTools Protocol for tests and benchmarks: no cleverness, a deadline on every call.

    async with await CdpClient.connect(session["connect_url"]) as browser:
        page = await browser.new_page(web.url("site.test", "/link"))
        assert await page.evaluate("document.title") == "link"

One WebSocket, flat sessions (Target.attachToTarget with `flatten`). Nothing is enabled that the caller did not ask for,
but for the `Page` domain of pages from `new_page`.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cloche.concurrency.tasks import cancel_and_wait, spawn

TIMEOUT_S: Final = 10.0

Json = dict[str, Any]


class CdpError(Exception):
    """Chromium answered with an error; `code` is JSON-RPC's."""

    def __init__(self, method: str, error: Mapping[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')} {error.get('data', '')}".strip())
        self.code = error.get("code")


class CdpClosedError(Exception):
    """The WebSocket has been closed; `code` and `reason` are those of its close frame (1006 without one)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CdpEvent:
    method: str
    params: Json
    session_id: str | None


@dataclass(slots=True, eq=False)
class _Waiter:
    method: str
    session_id: str | None
    where: Callable[[Json], bool]
    future: "asyncio.Future[CdpEvent]"


class CdpClient:
    """Owns one WebSocket and the task that reads it. Made by `connect`, closed by `close` or `async with`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Json]] = {}
        self._waiters: list[_Waiter] = []
        self._end: CdpClosedError | None = None
        self.closed = asyncio.Event()
        self.events: list[CdpEvent] | None = None
        """Set it to a list to have every event appended."""
        self._reader = spawn(self._read(), name="cdp-read")

    @classmethod
    async def connect(
        cls, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S
    ) -> "CdpClient":
        """Dial a DevTools WebSocket. A refused upgrade raises websockets' InvalidStatus, which holds the answer."""
        socket = await connect(
            url,
            additional_headers=headers,
            max_size=None,
            max_queue=None,
            compression=None,
            ping_interval=None,
            open_timeout=timeout_s,
            close_timeout=2,
            proxy=None,
        )
        return cls(socket)

    async def send(
        self, method: str, params: Json | None = None, *, session_id: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> Json:
        """Call a method and return its result.

        Raises:
            CdpError: Chromium refused.
            CdpClosedError: the connection has ended or ends before the answer.
            TimeoutError: no answer in time.
        """
        if self._end is not None:
            raise self._end
        number = next(self._ids)
        message: Json = {"id": number, "method": method, "params": params or {}}
        if session_id is not None:
            message["sessionId"] = session_id
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._transmit(json.dumps(message))
                reply = await answer
        except TimeoutError:
            raise TimeoutError(f"no answer to {method} in {timeout_s} s") from None
        finally:
            self._calls.pop(number, None)
        if "error" in reply:
            raise CdpError(method, reply["error"])
        result: Json = reply["result"]
        return result

    def expect(
        self, method: str, *, session_id: str | None = None, where: Callable[[Json], bool] = lambda _: True
    ) -> "asyncio.Future[CdpEvent]":
        """Return a future of the next such event. Ask before doing what causes it, await it with `within`."""
        future: asyncio.Future[CdpEvent] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(method, session_id, where, future)
        self._waiters.append(waiter)
        future.add_done_callback(lambda _: self._waiters.remove(waiter))
        return future

    async def wait_event(
        self,
        method: str,
        *,
        session_id: str | None = None,
        where: Callable[[Json], bool] = lambda _: True,
        timeout_s: float = 5.0,
    ) -> Json:
        """Wait for the next such event and return its params."""
        return await within(self.expect(method, session_id=session_id, where=where), timeout_s)

    async def attach(self, target_id: str) -> "CdpPage":
        attached = await self.send("Target.attachToTarget", {"targetId": target_id, "flatten": True})
        return CdpPage(self, target_id, attached["sessionId"])

    async def new_page(self, url: str = "about:blank", *, wait_loaded: bool = True) -> "CdpPage":
        """Open a tab at `url` and return it once its load event has fired. Raises CdpError when it cannot be had."""
        created = await self.send("Target.createTarget", {"url": "about:blank"})
        page = await self.attach(created["targetId"])
        await page.send("Page.enable")
        if url != "about:blank" and (error := await page.goto(url, wait_loaded=wait_loaded)):
            raise CdpError("Page.navigate", {"message": f"{error} at {url}"})
        return page

    async def close(self) -> None:
        await self._socket.close()
        await cancel_and_wait(self._reader)

    async def wait_closed(self, timeout_s: float = 5.0) -> CdpClosedError:
        """Wait until the other side has closed, and return how it did."""
        async with asyncio.timeout(timeout_s):
            await self.closed.wait()
        assert self._end is not None
        return self._end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _transmit(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise _closing(error) from None

    async def _read(self) -> None:
        try:
            while True:
                self._take(json.loads(await self._socket.recv()))
        except ConnectionClosed as error:
            self._end = _closing(error)
        finally:
            self._end = self._end or CdpClosedError(1000, "closed by this client")
            self.closed.set()
            self._fail_all(self._end)

    def _fail_all(self, error: CdpClosedError) -> None:
        pending: list[asyncio.Future[Any]] = [*self._calls.values(), *(waiter.future for waiter in self._waiters)]
        for future in pending:
            if not future.done():
                future.set_exception(error)

    def _take(self, message: Json) -> None:
        if "id" in message:
            call = self._calls.get(message["id"])
            if call is not None and not call.done():
                call.set_result(message)
            return
        event = CdpEvent(message["method"], message.get("params", {}), message.get("sessionId"))
        if self.events is not None:
            self.events.append(event)
        for waiter in list(self._waiters):
            if (
                waiter.method == event.method
                and waiter.session_id in (None, event.session_id)
                and waiter.where(event.params)
                and not waiter.future.done()
            ):
                waiter.future.set_result(event)


class CdpPage:
    """One attached target of a `CdpClient`; it ends with the client, or by `close`."""

    def __init__(self, client: CdpClient, target_id: str, session_id: str) -> None:
        self.client = client
        self.target_id = target_id
        self.session_id = session_id

    async def send(self, method: str, params: Json | None = None, *, timeout_s: float = TIMEOUT_S) -> Json:
        return await self.client.send(method, params, session_id=self.session_id, timeout_s=timeout_s)

    def expect(self, method: str, where: Callable[[Json], bool] = lambda _: True) -> "asyncio.Future[CdpEvent]":
        return self.client.expect(method, session_id=self.session_id, where=where)

    async def wait_event(self, method: str, *, timeout_s: float = 5.0) -> Json:
        return await self.client.wait_event(method, session_id=self.session_id, timeout_s=timeout_s)

    async def goto(self, url: str, *, wait_loaded: bool = True, timeout_s: float = TIMEOUT_S) -> str | None:
        """Navigate; return None, or Chromium's error (`net::ERR_…`) when the page could not be had."""
        loaded = self.expect("Page.loadEventFired")
        try:
            answer = await self.send("Page.navigate", {"url": url}, timeout_s=timeout_s)
            error: str | None = answer.get("errorText")
            if wait_loaded and error is None:
                await within(loaded, timeout_s)
            return error
        finally:
            loaded.cancel()

    async def evaluate(self, expression: str, *, timeout_s: float = TIMEOUT_S) -> Any:
        """Evaluate JavaScript, await a promise, and return the value as JSON. A throw raises CdpError."""
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self.send("Runtime.evaluate", params, timeout_s=timeout_s)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("text")
            raise CdpError("Runtime.evaluate", {"message": text})
        return answer["result"].get("value")

    async def wait_for(self, expression: str, *, timeout_s: float = 5.0) -> Any:
        """Wait in the page, frame by frame, until `expression` is truthy; return its value."""
        script = (
            "new Promise((resolve) => { const look = () => { const value = (() => { try { return (EXPRESSION); }"
            " catch (error) { return null; } })(); value ? resolve(value) : setTimeout(look, 10); }; look(); })"
        )
        return await self.evaluate(script.replace("EXPRESSION", expression), timeout_s=timeout_s)

    async def close(self) -> None:
        await self.client.send("Target.closeTarget", {"targetId": self.target_id})


async def within(future: "asyncio.Future[CdpEvent]", timeout_s: float = 5.0) -> Json:
    """Await what `expect` returned and give its params; the future is cancelled when it takes too long."""
    async with asyncio.timeout(timeout_s):
        event = await future
    return event.params


def _closing(error: ConnectionClosed) -> CdpClosedError:
    frame = error.rcvd
    return CdpClosedError(1006, "") if frame is None else CdpClosedError(frame.code, frame.reason)
