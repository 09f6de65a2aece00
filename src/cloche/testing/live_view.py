"""A session's live view over a browser and a runner that a test drives."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from prometheus_client import CollectorRegistry

from cloche.browser.session_browser import Browser
from cloche.errors import ConflictError, GoneError
from cloche.live.messages import read_client_message
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Chunk, Codec, Right
from cloche.live.screencast import CaptureParams, Screencast
from cloche.live.watching import StreamEndedError, Subscription
from cloche.sessions.browsing.pausing import Pausing
from cloche.sessions.events import Data
from cloche.sessions.live.interface import Joining, LeaveReason, LiveSeat
from cloche.sessions.live.options import LiveOptions
from cloche.sessions.live.service import LiveService
from cloche.sessions.model import EventType, Session
from cloche.testing.audit import NotingAudit
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.clock import FakeClock
from cloche.testing.sessions import NOON, make_session

PATIENCE_S = 20.0
Json = dict[str, Any]
Dial = Callable[[], Awaitable[tuple[socket.socket, str]]]


def dials(processes: Sequence[BareChromium]) -> Dial:
    """Connections to the last of these: there may be another by then."""

    async def dial() -> tuple[socket.socket, str]:
        connection = socket.socket()
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, processes[-1].address)
        except BaseException:
            connection.close()
            raise
        return connection, processes[-1].browser_path

    return dial


@dataclass
class FakeBrowsing:
    pausing: Pausing = field(default_factory=Pausing)
    connected: Browser | None = None


@dataclass
class FakeOwner:
    """A runner of one session. `dial` None: its browser was stopped."""

    session: Session
    dial: Dial | None = None
    browsing: FakeBrowsing = field(default_factory=FakeBrowsing)
    end_reason: str = ""
    users: int = 0
    dials: int = 0
    was_own: bool = False
    """Whether the last that was dialled need not wait until the session is whole."""
    reported: list[tuple[EventType, Data | None]] = field(default_factory=list)

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        self.dials += 1
        self.was_own = is_own
        self.require_staying()
        if self.dial is None:
            raise ConflictError("the browser was stopped; start it first", reason="browser_stopped")
        return await self.dial()

    def current(self) -> Session:
        return self.session

    def require_staying(self) -> None:
        if self.end_reason:
            raise GoneError("the session has ended", reason=self.end_reason)

    def actions_changed(self, change: int) -> None:
        self.users += change

    def report(self, type_: EventType, data: Data | None = None) -> object:
        self.reported.append((type_, data))
        return True

    def clients_are(self, count: int) -> None:
        self.session = replace(self.session, usage=replace(self.session.usage, devtools_clients=count))


class FakeSubscription(Subscription):
    codec = Codec.JPEG
    dropped = 0

    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed

    async def next(self) -> Chunk:
        raise StreamEndedError

    def ask_key(self) -> None: ...

    def set_rate(self, bits_per_second: int | None) -> None: ...

    def acknowledge(self, seq: int) -> None: ...

    def close(self) -> None:
        self._closed()


class FakePictures:
    """Keeps what comes and acknowledges it at once; casts while somebody watches."""

    def __init__(self, screencast: Screencast) -> None:
        self.screencast = screencast
        self.taken: list[tuple[bytes, int, int, int]] = []
        self.watchers = 0
        self.told: list[str] = []
        self.is_closed = False

    def watch(
        self, codec: Codec, *, max_fps: float = 0, keeps_up: bool = False, acknowledges: bool = False
    ) -> Subscription:
        self.watchers += 1
        self.screencast.start(CaptureParams())

        def closed() -> None:
            self.watchers -= 1
            if self.watchers == 0:
                self.screencast.stop()

        return FakeSubscription(closed)

    def took(self, jpeg: bytes, taken_at_ms: int, width: int, height: int, token: int) -> None:
        self.taken = [*self.taken[-99:], (jpeg, taken_at_ms, width, height)]
        self.screencast.acknowledge(token)

    def page_changed(self) -> None:
        self.told.append("page_changed")
        if self.watchers:
            self.screencast.start(CaptureParams())

    def browser_gone(self) -> None:
        self.told.append("browser_gone")

    def browser_back(self) -> None:
        self.told.append("browser_back")
        if self.watchers:
            self.screencast.start(CaptureParams())

    async def close(self) -> None:
        self.is_closed = True


class LiveViewer:
    """Somebody who watches: does what a person does, and keeps what is told."""

    def __init__(self, seat: LiveSeat) -> None:
        self.seat = seat
        self.id = seat.id
        self.state: Json = {}
        self.others: list[Json] = []

    def do(self, type_: str, **fields: Any) -> None:
        self.seat.take(read_client_message(json.dumps({"type": type_, **fields})))  # type: ignore[arg-type]

    def key(self, key: str, code: str = "", modifiers: int = 0) -> None:
        for type_ in ("keydown", "keyup"):
            self.do(type_, key=key, code=code, modifiers=modifiers)

    def click(self, x: float, y: float) -> None:
        self.do("mousemove", x=x, y=y)
        self.do("mousedown", x=x, y=y)
        self.do("mouseup", x=x, y=y)

    async def hear(self) -> None:
        """Take the next news in."""
        for data in (await self.seat.news()).messages:
            message = json.loads(data)
            if message.pop("type") == "state":
                self.state |= message
            else:
                self.others.append({"type": json.loads(data)["type"], **message})

    async def until(self, is_so: Callable[[Json], object]) -> Json:
        """Listen until the state is so."""
        return await self._until(lambda: is_so(self.state) if self.state else False)

    async def told(self, code: str) -> Json:
        """Listen until a notice, or a message of that type, has come; returns it, and forgets it."""
        await self._until(lambda: any(code in (one.get("code"), one["type"]) for one in self.others))
        found = next(one for one in self.others if code in (one.get("code"), one["type"]))
        self.others.remove(found)
        return found

    async def _until(self, is_so: Callable[[], object]) -> Json:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_so():
                    await self.hear()
        except TimeoutError:
            raise AssertionError(f"that has not come to be: {self.state} {self.others}") from None
        return self.state

    @property
    def codes(self) -> list[str]:
        return [str(one.get("code", one["type"])) for one in self.others]

    async def end(self) -> LeaveReason:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.shield(self.seat.ended)


class LiveRig:
    """One service, its viewers, and what became of what they did. Use it as `async with live_rig(...)`."""

    def __init__(self, session: Session, dial: Dial | None, options: LiveOptions, stack: AsyncExitStack) -> None:
        self.owner = FakeOwner(session, dial)
        self.clock, self.audit = FakeClock(NOON), NotingAudit()
        self.registry = CollectorRegistry()
        self.service = LiveService(
            session,
            self.owner,
            options=options,
            make_pictures=self._make_pictures,
            clock=self.clock,
            metrics=LiveMetrics(self.registry),
            audit=self.audit,
        )
        self._stack = stack

    def _make_pictures(self, screencast: Screencast) -> FakePictures:
        self.pictures = FakePictures(screencast)
        return self.pictures

    async def join(self, right: Right = Right.CONTROL, **joining: Any) -> LiveViewer:
        """Stays until the rig is taken down, or `leave`."""
        viewer, _ = await self.come(right, **joining)
        return viewer

    async def come(self, right: Right = Right.CONTROL, **joining: Any) -> tuple[LiveViewer, AsyncExitStack]:
        """With what it leaves by, `aclose`."""
        stack = await self._stack.enter_async_context(AsyncExitStack())
        seat = await stack.enter_async_context(self.service.join(Joining(right=right, **joining)))
        return LiveViewer(seat), stack

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"cloche_live_{name}", labels) or 0.0


@asynccontextmanager
async def live_rig(
    dial: Dial | None = None, *, session: Session | None = None, options: LiveOptions | None = None
) -> AsyncGenerator[LiveRig]:
    """Taken down as a runner does it, with viewers still there."""
    async with AsyncExitStack() as stack:
        rig = LiveRig(session or make_session(), dial, options or LiveOptions(), stack)
        try:
            yield rig
        finally:
            rig.owner.end_reason = rig.owner.end_reason or "closed_by_user"
            await rig.service.save(rig.owner.end_reason)
            await rig.service.close()
    assert rig.owner.users == 0, "a viewer was left"
