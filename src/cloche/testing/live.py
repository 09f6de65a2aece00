"""A session's live view in memory, for doors without browsers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from cloche.errors import BusyError, ClocheError, ConflictError, DeniedError, NotFoundError
from cloche.ids import SessionId
from cloche.live.messages import BrowserMessage, ControlMessage, InputMessage, Report, write_message
from cloche.live.model import VIDEO, Chunk, ClipboardPolicy, Codec, Right, Transport
from cloche.live.watching import StreamEndedError, Subscription
from cloche.sessions.live.interface import (
    ControlState,
    Joining,
    LeaveReason,
    LiveNews,
    LiveState,
    RecordingInfo,
    RecordingRequest,
    RecordingStatus,
    SessionLive,
    SessionRecordings,
    ViewerInfo,
)
from cloche.sessions.principal import Principal

JPEG: Final = b"\xff\xd8 not really a picture \xff\xd9"
FLOOD: Final = 100
"""Messages that are dropped before the place ends."""


class FakeSubscription(Subscription):
    """Gives out what a test puts in with `show`; the newest alone, as JPEG is."""

    def __init__(self, codec: Codec, stir: Callable[[], None] = lambda: None) -> None:
        """`stir` is called when something has been done to it."""
        self.codec = codec
        self._stir = stir
        self.acknowledged: list[int] = []
        self.taken: list[int] = []
        self.keys_asked = 0
        self.rate: int | None = None
        self.max_fps = 0.0
        self.acknowledges = False
        self.is_closed = False
        self._seq = 0
        self._waiting: Chunk | None = None
        self._news = asyncio.Event()
        self._has_ended = False

    def show(self, data: bytes = JPEG) -> int:
        """A new picture; returns its number."""
        self._seq += 1
        self._waiting = Chunk(self.codec, self._seq, data, True, 1_700_000_000_000 + self._seq, 640, 360)
        self._news.set()
        return self._seq

    def end(self) -> None:
        self._has_ended = True
        self._news.set()

    async def next(self) -> Chunk:
        while True:
            if self._has_ended or self.is_closed:
                raise StreamEndedError
            if self._waiting is not None:
                chunk, self._waiting = self._waiting, None
                self.taken.append(chunk.seq)
                self._stir()
                return chunk
            self._news.clear()
            await self._news.wait()

    def ask_key(self) -> None:
        self.keys_asked += 1
        self._stir()

    def set_rate(self, bits_per_second: int | None) -> None:
        self.rate = bits_per_second

    def acknowledge(self, seq: int) -> None:
        self.acknowledged.append(seq)
        self._stir()

    @property
    def dropped(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True
        self._news.set()
        self._stir()


class FakeSeat:
    """Keeps the contract of `LiveSeat`, and everything it was given."""

    def __init__(self, live: "FakeSessionLive", id_: str, joining: Joining) -> None:
        self.id, self.right, self.joining = id_, joining.right, joining
        self.owner = ""
        self.ended: asyncio.Future[LeaveReason] = asyncio.get_running_loop().create_future()
        self.taken: list[InputMessage | BrowserMessage | ControlMessage] = []
        self.drops: list[str] = []
        self.subscriptions: list[FakeSubscription] = []
        self.transports: list[tuple[Transport | None, Codec | None, str]] = []
        self.reports: list[Report] = []
        self._live = live
        self._news: asyncio.Queue[LiveNews] = asyncio.Queue()
        self.tell("state", {"viewers": [], "tabs": []})

    def take(self, message: InputMessage | BrowserMessage | ControlMessage) -> None:
        self.taken.append(message)
        self._live.stir()

    def dropped(self, why: str) -> None:
        self.drops.append(why)
        if len(self.drops) >= FLOOD:
            self.end(LeaveReason.FLOOD)
        self._live.stir()

    def watch(self, codec: Codec, *, max_fps: float = 0, acknowledges: bool = False) -> FakeSubscription:
        assert all(each.is_closed for each in self.subscriptions), "one at a time"
        subscription = FakeSubscription(codec, self._live.stir)
        subscription.max_fps, subscription.acknowledges = max_fps, acknowledges
        self.subscriptions.append(subscription)
        if codec not in self._live.codecs:
            subscription.end()
        elif self._live.shows_at_once:
            subscription.show()
        self._live.stir()
        return subscription

    def transport_is(self, transport: Transport | None, codec: Codec | None, fallback_reason: str = "") -> None:
        self.transports.append((transport, codec, fallback_reason))
        self._live.stir()

    def reported(self, report: Report) -> None:
        self.reports.append(report)
        self._live.stir()

    async def news(self) -> LiveNews:
        return await self._news.get()

    def tell(self, type_: str, fields: dict[str, object]) -> None:
        """Have news for the viewer."""
        self._news.put_nowait(LiveNews((write_message(type_, fields),)))

    def end(self, reason: LeaveReason) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    def info(self) -> ViewerInfo:
        transport, codec, reason = self.transports[-1] if self.transports else (None, None, "")
        last = self.reports[-1] if self.reports else Report()
        return ViewerInfo(
            id=self.id,
            name=self.joining.name,
            right=self.right,
            has_control=self._live.holder == self.id,
            wants_control=False,
            joined_at=datetime(2026, 1, 1, tzinfo=UTC),
            transport=transport,
            codec=codec,
            fallback_reason=reason,
            fps=last.fps,
            rtt_ms=last.rtt_ms,
            frame_age_ms=last.frame_age_ms,
            bits_per_second=last.bits_per_second,
            dropped=last.dropped,
        )


class FakeSessionLive(SessionLive, SessionRecordings):
    """Keeps the contracts of `SessionLive` and `SessionRecordings`; one for all sessions of a manager. A test sets what
    is to happen.
    """

    def __init__(self) -> None:
        self.seats: list[FakeSeat] = []
        """Of those who are there."""
        self.everyone: list[FakeSeat] = []
        """Of those who have been there too."""
        self.max_viewers = 20
        self.codecs: tuple[Codec, ...] = (*VIDEO, Codec.JPEG)
        self.shows_at_once = True
        self.holder = ""
        self.join_error: ClocheError | None = None
        self.picture_error: ClocheError | None = None
        self.made: list[RecordingInfo] = []
        self.requests: list[RecordingRequest] = []
        self._stirred = asyncio.Event()

    @asynccontextmanager
    async def join(self, joining: Joining) -> AsyncGenerator[FakeSeat]:
        if self.join_error is not None:
            raise self.join_error
        if len(self.seats) >= self.max_viewers:
            raise BusyError("no more viewers", reason="viewers_full")
        seat = FakeSeat(self, f"v{len(self.everyone) + 1}", joining)
        self.seats.append(seat)
        self.everyone.append(seat)
        expiry: asyncio.TimerHandle | None = None
        if joining.expires_at is not None:
            left_s = (joining.expires_at - datetime.now(UTC)).total_seconds()
            expiry = asyncio.get_running_loop().call_later(left_s, seat.end, LeaveReason.LINK_EXPIRED)
        self.stir()
        try:
            yield seat
        finally:
            if expiry is not None:
                expiry.cancel()
            self.seats.remove(seat)
            seat.end(LeaveReason.LEFT)
            self.stir()

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so: looked at whenever something has happened here."""
        async with asyncio.timeout(20):
            while not is_so():
                self._stirred.clear()
                await self._stirred.wait()

    def stir(self) -> None:
        self._stirred.set()

    def state(self) -> LiveState:
        recording = self.made[-1] if self.made and self.made[-1].status is RecordingStatus.RUNNING else None
        return LiveState(
            control=ControlState.VIEWER if self.holder else ControlState.FREE,
            holder=self.holder,
            clipboard=ClipboardPolicy.IN,
            viewers=tuple(seat.info() for seat in self.seats),
            max_viewers=self.max_viewers,
            recording=recording,
        )

    async def take_control(self, principal: Principal, viewer_id: str) -> LiveState:
        seat = self._find(viewer_id)
        if seat.right is Right.VIEW:
            raise DeniedError("this viewer may only watch", reason="view_only")
        self.holder = viewer_id
        return self.state()

    async def release_control(self, principal: Principal) -> LiveState:
        self.holder = ""
        return self.state()

    async def remove(self, principal: Principal, viewer_id: str) -> None:
        self._find(viewer_id).end(LeaveReason.REMOVED)

    async def thumbnail(self) -> bytes:
        if self.picture_error is not None:
            raise self.picture_error
        return JPEG

    async def start_recording(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        if self.made and self.made[-1].status is RecordingStatus.RUNNING:
            raise ConflictError("it is being recorded", reason="already_recording")
        self.requests.append(request)
        self.made.append(self._recording(request, RecordingStatus.RUNNING))
        return self.made[-1]

    async def stop_recording(self, principal: Principal) -> RecordingInfo:
        if not self.made or self.made[-1].status is not RecordingStatus.RUNNING:
            raise ConflictError("it is not being recorded", reason="not_recording")
        self.made[-1] = self._recording(self.requests[-1], RecordingStatus.READY)
        return self.made[-1]

    async def list(self, principal: Principal, session_id: SessionId) -> tuple[RecordingInfo, ...]:
        return tuple(reversed(self.made))

    def _recording(self, request: RecordingRequest, status: RecordingStatus) -> RecordingInfo:
        is_ready = status is RecordingStatus.READY
        return RecordingInfo(
            id=f"r{len(self.requests)}",
            status=status,
            format=request.format,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            seconds=1.5 if is_ready else 0.0,
            bytes=1000 if is_ready else 0,
            ended_by="stopped" if is_ready else "",
        )

    def _find(self, viewer_id: str) -> FakeSeat:
        for seat in self.seats:
            if seat.id == viewer_id:
                return seat
        raise NotFoundError("no such viewer")
