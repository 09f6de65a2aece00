"""A session's recorder between a stream and a muxer that a test drives, and a real database, store and disk."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cloche.artifacts.draft import StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.model import Artifact
from cloche.artifacts.store import ArtifactStore
from cloche.browser.session_browser import Browser
from cloche.errors import InternalError
from cloche.ids import ArtifactId
from cloche.live.model import Chunk, Codec, RecordPolicy
from cloche.live.mux_process import Chapter, MuxRequest
from cloche.live.watching import StreamEndedError, Subscription
from cloche.sessions import rows
from cloche.sessions.events import Data, EventLog
from cloche.sessions.live.interface import RecordingInfo
from cloche.sessions.live.recording.limits import RecordingLimits
from cloche.sessions.live.recording.making import StartMux
from cloche.sessions.live.recording.recorder import SessionRecorder
from cloche.sessions.live.recording.store import RecordingStore
from cloche.sessions.model import EventType, LiveUse, Session, SessionStatus
from cloche.storage.database import Database
from cloche.testing.audit import NotingAudit
from cloche.testing.clock import FakeClock
from cloche.testing.databases import fresh_database
from cloche.testing.sessions import NOON, make_options, make_session

PATIENCE_S: Final = 20.0
EBML: Final = b"\x1a\x45\xdf\xa3"
FTYP: Final = b"\0\0\0\x18ftyp"


class FakeSubscription(Subscription):
    """Gives what it is offered."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.keys_asked = 0
        self.is_closed = False
        self._waiting: deque[Chunk] = deque()
        self._news = asyncio.Event()

    @property
    def dropped(self) -> int:
        return 0

    def offer(self, chunk: Chunk) -> None:
        self._waiting.append(chunk)
        self._news.set()

    async def next(self) -> Chunk:
        while not self._waiting:
            if self.is_closed:
                raise StreamEndedError
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def ask_key(self) -> None:
        self.keys_asked += 1

    def set_rate(self, bits_per_second: int | None) -> None: ...

    def acknowledge(self, seq: int) -> None: ...

    def close(self) -> None:
        """Also how a test ends the stream."""
        self.is_closed = True
        self._news.set()


class FakeView:
    """What a recorder asks of a live service, and of its pictures."""

    def __init__(self) -> None:
        self.subscriptions: list[FakeSubscription] = []
        self.watched: list[tuple[Codec, float, bool]] = []
        self.wants = 0
        self.changes = 0
        self.first: Chunk | None = None
        """Given to each subscription at once."""

    @property
    def pictures(self) -> Any:
        return self

    @contextmanager
    def wanted(self) -> Iterator[None]:
        self.wants += 1
        try:
            yield
        finally:
            self.wants -= 1

    def recording_changed(self) -> None:
        self.changes += 1

    def watch(
        self, codec: Codec, *, max_fps: float = 0, keeps_up: bool = False, acknowledges: bool = False
    ) -> Subscription:
        self.watched.append((codec, max_fps, keeps_up))
        self.subscriptions.append(FakeSubscription(codec))
        if self.first is not None:
            self.subscriptions[-1].offer(self.first)
        return self.subscriptions[-1]


@dataclass
class FakeMux:
    """Makes a file of JSON that begins as it should. See `read_file`."""

    request: MuxRequest
    crashes: bool = False
    begins_with: bytes = b""
    frames: list[tuple[int, bool, int]] = field(default_factory=list)
    """When, whether a key frame, and of how many bytes."""
    goes_on: asyncio.Event | None = None
    """Waited for before the file is given out."""
    is_closed: bool = False

    async def add(self, data: bytes, pts_ms: int, *, is_key: bool) -> bool:
        if self.crashes:
            raise InternalError("the recording's child is gone")
        self.frames.append((pts_ms, is_key, len(data)))
        return True

    async def finish(self, end_ms: int, chapters: Sequence[Chapter] = ()) -> AsyncIterator[bytes]:
        if self.goes_on is not None:
            await self.goes_on.wait()
        yield self.begins_with or (EBML if self.request.codec is Codec.VP8 else FTYP)
        told = {"frames": self.frames, "end_ms": end_ms, "marks": [[one.at_s, one.title] for one in chapters]}
        yield json.dumps(told).encode()

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeMuxers:
    """A `StartMux`."""

    made: list[FakeMux] = field(default_factory=list)
    crashes: int = 0
    """So many of the next fail."""
    fails_with: Exception | None = None
    begins_with: bytes = b""
    goes_on: asyncio.Event | None = None

    async def __call__(self, request: MuxRequest) -> FakeMux:
        if self.fails_with is not None:
            raise self.fails_with
        mux = FakeMux(request, crashes=self.crashes > 0, begins_with=self.begins_with, goes_on=self.goes_on)
        self.crashes = max(0, self.crashes - 1)
        self.made.append(mux)
        return mux


@dataclass
class FakeBrowsing:
    connected: Browser | None = None


@dataclass
class FakeOwner:
    """A runner of one session."""

    session: Session
    events: EventLog
    end_reason: str = ""
    browsing: FakeBrowsing = field(default_factory=FakeBrowsing)
    published: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)

    def current(self) -> Session:
        return self.session

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.published.append((type_, dict(data or {})))
        self.events.publish(self.session.id, type_, data)


@dataclass
class RecordingWorld:
    """One session's recorder and what is around it."""

    session: Session
    clock: FakeClock
    view: FakeView
    muxers: FakeMuxers
    owner: FakeOwner
    audit: NotingAudit
    database: Database
    events: EventLog
    artifacts: ArtifactStore
    store: RecordingStore
    recorder: SessionRecorder
    ended: list[str]
    """What `cannot_go_on` was called for."""

    @property
    def stream(self) -> FakeSubscription:
        """The newest subscription."""
        return self.view.subscriptions[-1]

    @property
    def kinds(self) -> list[EventType]:
        return [type_ for type_, _ in self.owner.published]

    async def show(self, data: bytes = b"frame", *, is_key: bool = False, size: tuple[int, int] = (1280, 720)) -> None:
        """Have a frame come, now, and wait until it has been taken in."""
        taken_at_ms = int(self.clock.now().timestamp() * 1000)
        self.stream.offer(Chunk(self.stream.codec, 1, data, is_key, taken_at_ms, *size))
        await self.settle()

    async def settle(self) -> None:
        """Let what has come be taken in, threads included."""
        for _ in range(3):
            await asyncio.to_thread(lambda: None)
            for _ in range(5):
                await asyncio.sleep(0)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - any of many things, of which not all tell
                await asyncio.sleep(0.005)

    async def file(self, artifact_id: ArtifactId | None) -> tuple[Artifact, dict[str, Any]]:
        """An artifact and what a fake muxer has put into it."""
        assert artifact_id is not None
        async with self.artifacts.open(artifact_id) as content:
            data = b"".join([piece async for piece in content.body])
        return content.artifact, json.loads(data[data.index(b"{") :])

    def done(self, number: int = 0) -> RecordingInfo:
        """Of the newest, or of the one that many before it."""
        return self.recorder.all()[number]


@asynccontextmanager
async def recording_world(
    directory: Path,
    *,
    policy: RecordPolicy = RecordPolicy.ON_REQUEST,
    limits: RecordingLimits | None = None,
    start_mux: StartMux | None = None,
    spool: Path | None = None,
    max_total_bytes: int = 1 << 30,
    **options: Any,
) -> AsyncGenerator[RecordingWorld]:
    """`options`: of the session. Taken down as a session that ends, and then as a daemon does."""
    clock = FakeClock(NOON)
    session = make_session(options=make_options(live=LiveUse(record=policy), **options), status=SessionStatus.PENDING)
    database = await fresh_database(directory / "cloche.db")
    async with database.begin() as connection:
        await rows.add(connection, session, agent_token_hash="", upstream_sealed=None)
    events = EventLog(database, clock)
    await events.open()
    kept = StoreLimits(retention_s=1000, quarantine_retention_s=1000, max_total_bytes=max_total_bytes)
    artifacts = ArtifactStore(database, directory / "artifacts", ArtifactKeys(b"s" * 32, None), clock, kept)
    await artifacts.start()
    muxers = FakeMuxers()
    limits = limits or RecordingLimits(min_free_bytes=0)
    directory_of_spools = spool or directory / "recordings"
    store = RecordingStore(database, directory_of_spools, artifacts, start_mux or muxers, clock, limits)
    await store.start()
    owner, view, audit, ended = FakeOwner(session, events), FakeView(), NotingAudit(), list[str]()
    recorder = SessionRecorder(
        session,
        owner,
        view,
        store,
        events=events,
        clock=clock,
        audit=audit,
        cannot_go_on=lambda: ended.append("cannot go on"),
    )
    world = RecordingWorld(
        session, clock, view, muxers, owner, audit, database, events, artifacts, store, recorder, ended
    )
    try:
        yield world
    finally:
        owner.end_reason = owner.end_reason or "closed_by_user"
        await recorder.finish(owner.end_reason)
        await recorder.close()
        await store.close()
        await artifacts.close()
        await events.close()
        await database.close()
    assert view.wants == 0, "the view is still wanted"
    assert all(one.is_closed for one in view.subscriptions), "a subscription was left"


def ready(world: RecordingWorld) -> None:
    """Its session has come up."""
    world.owner.session = replace(world.owner.session, status=SessionStatus.READY)
