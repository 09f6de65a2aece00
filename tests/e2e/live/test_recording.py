"""A session recorded in a real Chromium, by the encoder and the muxer that a daemon uses."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest
from prometheus_client import CollectorRegistry

from cloche.artifacts.draft import StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.store import ArtifactStore
from cloche.clock import SystemClock
from cloche.ids import PrincipalName
from cloche.live.encoder_child import EncoderSettings
from cloche.live.encoder_process import EncoderStarter
from cloche.live.metrics import LiveMetrics
from cloche.live.mux_process import MuxProcess, MuxRequest
from cloche.live.screencast import Screencast
from cloche.live.stream import LiveStream, StreamSettings
from cloche.sessions import rows
from cloche.sessions.events import Data, EventLog
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo, RecordingRequest, RecordingStatus
from cloche.sessions.live.options import LiveOptions
from cloche.sessions.live.recording.limits import RecordingLimits
from cloche.sessions.live.recording.recorder import SessionRecorder
from cloche.sessions.live.recording.store import RecordingStore
from cloche.sessions.live.service import LiveService
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal, Role
from cloche.testing.audit import NotingAudit
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.databases import fresh_database
from cloche.testing.live_view import FakeOwner, dials
from cloche.testing.sessions import make_session

ANN = Principal(PrincipalName("ann"), Role.USER)
MOVING = """<body style="margin:0"><button style="font-size:40px">go</button><h1 id=n>0</h1><script>
let n = 0;
const move = () => { document.getElementById("n").textContent = ++n; requestAnimationFrame(move); };
move();
document.querySelector("button").onclick = () => document.body.style.background = "red";
</script>"""


class Owner(FakeOwner):
    """A runner whose events are told."""

    events: EventLog

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.events.publish(self.session.id, type_, data)


class Recorded:
    """A live service with its recorder, and the store of what comes out."""

    def __init__(self, live: LiveService, events: EventLog, artifacts: ArtifactStore, owner: Owner) -> None:
        self.live, self.events, self.artifacts, self.owner = live, events, artifacts, owner

    async def clicks(self, page: CdpPage) -> None:
        """As the browser service does it, and tells."""
        for type_ in ("mousePressed", "mouseReleased"):
            at = {"type": type_, "x": 40, "y": 30, "button": "left", "clickCount": 1}
            await page.send("Input.dispatchMouseEvent", at)
        self.owner.publish(EventType.BROWSER_ACTION, {"action": "click", "success": True, "tab": page.target_id})

    async def shown(self, seconds: float) -> None:
        """Wait until so much has been recorded."""
        async with asyncio.timeout(30):
            while (now := self.live.recorder.current) is None or now.seconds < seconds:
                await asyncio.sleep(0.02)

    async def file(self, info: RecordingInfo) -> bytes:
        assert info.artifact_id is not None, info.error
        async with self.artifacts.open(info.artifact_id) as content:
            return b"".join([piece async for piece in content.body])


async def start_mux(request: MuxRequest) -> MuxProcess:
    return await MuxProcess.start(EncoderSettings(), request)


@pytest.fixture
def bare_chromium() -> Iterator[BareChromium]:
    with BareChromium() as process:
        yield process


@pytest.fixture
async def page(bare_chromium: BareChromium) -> AsyncIterator[CdpPage]:
    async with await CdpClient.connect(bare_chromium.websocket_url) as client:
        page = await client.new_page()
        loaded = page.expect("Page.loadEventFired")
        await page.send("Page.navigate", {"url": "data:text/html," + MOVING.replace("#", "%23")})
        async with asyncio.timeout(20):
            await loaded
        yield page


@pytest.fixture
async def recorded(bare_chromium: BareChromium, tmp_path: Path) -> AsyncIterator[Recorded]:
    clock, audit, session = SystemClock(), NotingAudit(), make_session()
    database = await fresh_database(tmp_path / "cloche.db")
    async with database.begin() as connection:
        await rows.add(connection, session, agent_token_hash="", upstream_sealed=None)
    events = EventLog(database, clock)
    await events.open()
    kept = StoreLimits(retention_s=1000, quarantine_retention_s=1000, max_total_bytes=1 << 30)
    artifacts = ArtifactStore(database, tmp_path / "artifacts", ArtifactKeys(b"s" * 32, None), clock, kept)
    await artifacts.start()
    limits = RecordingLimits(min_free_bytes=0)
    store = RecordingStore(database, tmp_path / "recordings", artifacts, start_mux, clock, limits)
    await store.start()
    owner, metrics = Owner(session, dials([bare_chromium])), LiveMetrics(CollectorRegistry())
    owner.events = events

    def make_pictures(screencast: Screencast) -> LiveStream:
        return LiveStream(screencast, EncoderStarter(EncoderSettings()), StreamSettings(), metrics, clock)

    live = LiveService(
        session, owner, options=LiveOptions(), make_pictures=make_pictures, clock=clock, metrics=metrics, audit=audit
    )
    live.recorder = SessionRecorder(
        *(session, owner, live, store), events=events, clock=clock, audit=audit, cannot_go_on=lambda: None
    )
    yield Recorded(live, events, artifacts, owner)
    owner.end_reason = "closed_by_user"
    await live.save(owner.end_reason)
    await live.close()
    await store.close()
    await artifacts.close()
    await events.close()
    await database.close()


@pytest.mark.parametrize("format_", list(RecordingFormat))
async def test_what_a_page_shows_can_be_played_back_with_what_was_done(
    recorded: Recorded, page: CdpPage, format_: RecordingFormat
) -> None:
    await recorded.live.start_recording(ANN, RecordingRequest(format=format_))
    assert recorded.live.state().viewers == ()
    for at in (1.0, 2.0):
        await recorded.shown(at)
        await recorded.clicks(page)
    await recorded.shown(3.0)
    info = await recorded.live.stop_recording(ANN)
    assert info.status is RecordingStatus.READY
    assert [mark.title for mark in info.marks] == ["click", "click"]
    data = await recorded.file(info)
    assert len(data) == info.bytes
    seconds, times, titles, last = await asyncio.to_thread(_play, data)
    assert abs(seconds - info.seconds) < 0.25
    assert len(times) >= 15
    assert times == sorted(set(times))
    assert titles == ["beginning", "click", "click"]
    assert last[0] > 150 and last[1] < 100, "the click has turned the page red"


async def test_the_end_of_a_session_keeps_what_was_recorded(recorded: Recorded, page: CdpPage) -> None:
    await recorded.live.start_recording(ANN, RecordingRequest())
    await recorded.shown(0.5)
    await recorded.live.save("closed_by_user")
    (info,) = recorded.live.recorder.all()
    assert (info.status, info.ended_by) == (RecordingStatus.READY, "session_ended")
    assert (await recorded.file(info)).startswith(b"\x1a\x45\xdf\xa3")


def _play(data: bytes) -> tuple[float, list[float], list[str], tuple[int, ...]]:
    """How long it is, when its frames are shown, its chapters, and the colour of the page at its end."""
    with av.open(io.BytesIO(data), mode="r") as container:
        titles = [one["metadata"]["title"] for one in container.chapters()]
        frames = list(container.decode(video=0))
        assert container.duration is not None
        plane = frames[-1].reformat(format="rgb24").planes[0]
        at = (frames[-1].height - 20) * plane.line_size + 3 * (frames[-1].width - 20)
        colour = tuple(bytes(plane)[at : at + 3])
        return container.duration / 1_000_000, [float(frame.time) for frame in frames], titles, colour
