"""Starting, stopping, caps, and what becomes of a recording when its session or its daemon ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.artifacts.draft import Bounds, Draft
from cloche.artifacts.model import ArtifactKind, ArtifactState
from cloche.concurrency.tasks import spawn
from cloche.errors import (
    BusyError,
    ConflictError,
    DeniedError,
    InvalidError,
    JournalError,
    NotFoundError,
    QuotaError,
    StartError,
)
from cloche.ids import PrincipalName
from cloche.live.model import Chunk, Codec, RecordPolicy
from cloche.sessions.events import Data
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo, RecordingRequest, RecordingStatus
from cloche.sessions.live.recording import recorder as module
from cloche.sessions.live.recording.limits import RecordingLimits
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal, Role
from cloche.testing.recording import RecordingWorld, ready, recording_world
from cloche.testing.sessions import NOON
from cloche.testing.tmpfs import filled, tmpfs

ANN = Principal(PrincipalName("ann"), Role.USER)
REQUEST = RecordingRequest()
MP4 = RecordingRequest(format=RecordingFormat.MP4)
KEY = Chunk(Codec.VP8, 1, b"key", True, 0, 1280, 720)
ALWAYS = RecordPolicy.ALWAYS


async def started(world: RecordingWorld, request: RecordingRequest = REQUEST) -> RecordingInfo:
    """Recording, with a first frame."""
    info = await world.recorder.start(ANN, request)
    await world.show(b"key", is_key=True)
    return info


async def test_what_is_shown_becomes_an_artifact(world: RecordingWorld) -> None:
    info = await started(world)
    assert (info.id, info.status, info.started_at, info.marks) == ("r1", RecordingStatus.RUNNING, NOON, ())
    assert world.view.watched == [(Codec.VP8, 25.0, True)]
    assert world.view.wants == 1
    for _ in range(3):
        world.clock.advance(0.5)
        await world.show()
    world.clock.advance(2)
    assert world.recorder.current is not None
    assert world.recorder.current.seconds == 3.5
    info = await world.recorder.stop(ANN)
    assert (info.status, info.ended_by, info.seconds) == (RecordingStatus.READY, "stopped", 3.5)
    artifact, told = await world.file(info.artifact_id)
    assert told == {
        "frames": [[0, True, 3], [500, False, 5], [1000, False, 5], [1500, False, 5]],
        "end_ms": 3500,
        "marks": [],
    }
    assert (artifact.kind, artifact.state, artifact.media_type) == (
        ArtifactKind.RECORDING,
        ArtifactState.READY,
        "video/webm",
    )
    assert (artifact.file_name, artifact.owner, artifact.session_id) == (
        "session-20260101T120000Z.webm",
        "ann",
        world.session.id,
    )
    assert world.recorder.all() == (info,)
    assert not world.recorder.current
    assert (world.view.wants, world.stream.is_closed) == (0, True)
    assert world.muxers.made[0].is_closed


async def test_it_is_told_and_written_down(world: RecordingWorld) -> None:
    await started(world)
    info = await world.recorder.stop(ANN)
    assert world.kinds == [
        EventType.RECORDING_STARTED,
        EventType.ARTIFACT_READY,
        EventType.RECORDING_FINISHED,
    ]
    assert world.owner.published[0][1] == {"by": "ann", "recording": "r1", "format": "webm"}
    finished = world.owner.published[2][1]
    assert (finished["by"], finished["artifact"], finished["ended_by"]) == ("ann", info.artifact_id, "stopped")
    records = {record.kind: record for record in world.audit.records}
    assert set(records) == {"recording.started", "recording.finished"}
    assert records["recording.finished"].subject == info.artifact_id
    assert {record.actor for record in world.audit.records} == {"ann"}
    assert world.audit.settled_at
    assert world.view.changes >= 3


async def test_h264_goes_into_mp4(world: RecordingWorld) -> None:
    await started(world, MP4)
    info = await world.recorder.stop(ANN)
    artifact, _ = await world.file(info.artifact_id)
    assert (artifact.media_type, artifact.file_name) == ("video/mp4", "session-20260101T120000Z.mp4")
    assert world.view.watched[0][0] is Codec.H264


async def test_one_at_a_time_and_none_to_stop(world: RecordingWorld) -> None:
    with pytest.raises(ConflictError) as refused:
        await world.recorder.stop(ANN)
    assert refused.value.fields["reason"] == "not_recording"
    outcomes = await asyncio.gather(*(world.recorder.start(ANN, REQUEST) for _ in range(5)), return_exceptions=True)
    errors = [one for one in outcomes if isinstance(one, BaseException)]
    assert [type(one) for one in errors] == [ConflictError] * 4
    await world.show(is_key=True)
    infos = await asyncio.gather(*(world.recorder.stop(ANN) for _ in range(3)))
    assert len({info.artifact_id for info in infos}) == 1
    assert len(world.muxers.made) == 1
    assert len(world.recorder.all()) == 1


async def test_another_can_begin_while_the_last_is_made_into_a_file(world: RecordingWorld) -> None:
    world.muxers.goes_on = asyncio.Event()
    await started(world)
    stopping = spawn(world.recorder.stop(ANN), name="test")
    await world.until(lambda: world.recorder.current and world.recorder.current.status is RecordingStatus.FINISHING)
    assert (await started(world)).id == "r2"
    assert [info.status for info in world.recorder.all()] == [RecordingStatus.RUNNING, RecordingStatus.FINISHING]
    world.muxers.goes_on.set()
    assert (await stopping).id == "r1"
    await world.recorder.stop(ANN)
    assert [info.id for info in world.recorder.all()] == ["r2", "r1"]


async def test_whoever_leaves_while_it_is_started_or_stopped_changes_nothing(world: RecordingWorld) -> None:
    starting = spawn(world.recorder.start(ANN, REQUEST), name="test")
    await asyncio.sleep(0)
    starting.cancel()
    await world.until(lambda: world.recorder.current)
    await world.show(is_key=True)
    world.muxers.goes_on = asyncio.Event()
    stopping = spawn(world.recorder.stop(ANN), name="test")
    await world.until(lambda: world.muxers.made)
    stopping.cancel()
    world.muxers.goes_on.set()
    await world.until(lambda: world.recorder.current is None)
    assert world.done().status is RecordingStatus.READY


async def test_what_is_off_or_malformed_or_not_written_down_is_refused(tmp_path: Path, world: RecordingWorld) -> None:
    with pytest.raises(InvalidError):
        await world.recorder.start(ANN, RecordingRequest(max_bytes=1))
    world.audit.refuses = JournalError("the journal is full")
    with pytest.raises(JournalError):
        await world.recorder.start(ANN, REQUEST)
    assert world.view.watched == []
    (tmp_path / "other").mkdir()
    async with recording_world(tmp_path / "other", policy=RecordPolicy.OFF) as off:
        with pytest.raises(DeniedError) as refused:
            await off.recorder.start(ANN, REQUEST)
        assert refused.value.fields["reason"] == "recording_off"
        await off.recorder.begin()
        assert off.view.watched == []


async def test_it_ends_by_itself_at_its_caps_and_is_kept(world: RecordingWorld) -> None:
    await started(world, RecordingRequest(max_seconds=10))
    world.clock.advance(10)
    await world.show()
    await world.until(lambda: world.recorder.current is None)
    info = world.done()
    assert (info.status, info.ended_by, info.seconds) == (RecordingStatus.READY, "time_cap", 10.0)
    await started(world, RecordingRequest(max_bytes=256 << 10))
    for _ in range(10):
        world.clock.advance(0.1)
        await world.show(bytes(50_000))
    await world.until(lambda: world.recorder.current is None)
    info = world.done()
    assert (info.id, info.status, info.ended_by) == ("r2", RecordingStatus.READY, "size_cap")
    _, told = await world.file(info.artifact_id)
    assert sum(size for _, _, size in told["frames"]) < 256 << 10
    assert world.muxers.made[1].request.max_bytes == 256 << 10
    assert world.ended == []


async def test_a_page_that_stands_still_reaches_its_time_cap_too(world: RecordingWorld) -> None:
    await world.recorder.start(ANN, RecordingRequest(max_seconds=1))
    await world.show(is_key=True)
    world.clock.advance(1)
    await world.until(lambda: world.recorder.current is None)
    assert (world.done().ended_by, world.done().seconds) == ("time_cap", 1.0)


async def test_nothing_shown_is_no_recording(world: RecordingWorld) -> None:
    await world.recorder.start(ANN, REQUEST)
    await world.show(b"no key frame")
    info = await world.recorder.stop(ANN)
    assert (info.status, info.error, info.artifact_id) == (RecordingStatus.FAILED, "nothing_was_shown", None)
    assert world.kinds[-1] is EventType.RECORDING_FAILED
    assert world.audit.records[-1].outcome == "nothing_was_shown"


async def test_webm_goes_on_in_another_size(world: RecordingWorld) -> None:
    await started(world)
    await world.show(is_key=True, size=(100, 100))
    info = await world.recorder.stop(ANN)
    _, told = await world.file(info.artifact_id)
    assert len(told["frames"]) == 2


async def test_mp4_goes_on_in_another_file(world: RecordingWorld) -> None:
    await started(world, MP4)
    world.clock.advance(5)
    await world.show(is_key=True, size=(800, 600))
    await world.until(lambda: len(world.recorder.all()) == 2)
    world.clock.advance(1)
    info = await world.recorder.stop(ANN)
    assert (info.id, info.ended_by) == ("r2", "stopped")
    assert [mux.request.width for mux in world.muxers.made] == [1280, 800]
    first = world.done(1)
    assert (first.status, first.ended_by, first.seconds) == (RecordingStatus.READY, "resized", 5.0)
    assert len(world.view.subscriptions) == 1


async def test_a_size_that_changes_all_the_time_makes_few_files(world: RecordingWorld) -> None:
    await started(world, MP4)
    for number in range(50):
        world.clock.advance(0.1)
        await world.show(is_key=True, size=(800 + number, 600))
    await world.recorder.stop(ANN)
    await world.until(lambda: world.recorder.current is None)
    assert 2 <= len(world.recorder.all()) <= 4
    for info in world.recorder.all():
        if info.artifact_id is not None:
            _, told = await world.file(info.artifact_id)
            assert told["frames"]


async def test_what_is_done_meanwhile_is_a_chapter(world: RecordingWorld) -> None:
    await started(world)
    news: list[tuple[EventType, Data]] = [
        (EventType.BROWSER_ACTION, {"by": "ann", "action": "click", "success": True, "error": "", "tab": "t1"}),
        (EventType.LIVE_CONTROL, {"by": "bob", "state": "taken"}),
        (EventType.LIVE_JOINED, {"by": "bob"}),
        (EventType.LIVE_CONTROL, {"by": "bob", "state": "free"}),
    ]
    for name, data in news:
        world.clock.advance(1)
        world.events.publish(world.session.id, name, data)
        await world.settle()
    info = await world.recorder.stop(ANN)
    assert [(mark.at_s, mark.title) for mark in info.marks] == [
        (1.0, "click"),
        (2.0, "a person took control"),
        (4.0, "control handed back"),
    ]
    _, told = await world.file(info.artifact_id)
    assert told["marks"] == [[0.0, "beginning"], *([mark.at_s, mark.title] for mark in info.marks)]


async def test_more_than_can_be_taken_in_is_missed_and_the_rest_is_not(world: RecordingWorld) -> None:
    await started(world)
    click: Data = {"action": "click", "success": True}
    for _ in range(1000):
        world.events.publish(world.session.id, EventType.BROWSER_ACTION, click)
    await world.settle()
    world.clock.advance(1)
    world.events.publish(world.session.id, EventType.BROWSER_ACTION, click)
    await world.settle()
    assert world.recorder.current is not None
    assert world.recorder.current.marks[-1].at_s == 1.0


async def test_the_end_of_a_session_keeps_it(world: RecordingWorld) -> None:
    await started(world)
    world.clock.advance(1)
    await world.recorder.finish("idle_timeout")
    info = world.done()
    assert (info.status, info.ended_by, info.seconds) == (RecordingStatus.READY, "session_ended", 1.0)
    assert info.artifact_id is not None


async def test_so_does_a_session_that_fails_and_a_daemon_that_stops(tmp_path: Path) -> None:
    for reason, ended_by in (("browser_gave_up", "session_ended"), ("server_stopping", "server_stopping")):
        (tmp_path / reason).mkdir()
        async with recording_world(tmp_path / reason) as world:
            await started(world)
            world.owner.end_reason = reason
            await world.recorder.close()
            info = world.done()
            assert (info.status, info.ended_by) == (RecordingStatus.READY, ended_by)


async def test_the_end_does_not_wait_for_ever_and_the_daemon_finishes_what_is_left(
    world: RecordingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.01)
    world.muxers.goes_on = asyncio.Event()
    await started(world)
    stopping = spawn(world.recorder.stop(ANN), name="test")
    await world.until(lambda: world.muxers.made)
    await world.recorder.finish("closed_by_user")
    await world.recorder.close()
    (listed,) = await world.store.list(ANN, world.session.id)
    assert listed.status is RecordingStatus.FINISHING
    world.muxers.goes_on.set()
    assert (await stopping).status is RecordingStatus.READY
    (listed,) = await world.store.list(ANN, world.session.id)
    assert (listed.status, listed.artifact_id is not None) == (RecordingStatus.READY, True)


async def test_of_a_private_session_nothing_stays(tmp_path: Path) -> None:
    async with recording_world(tmp_path, private=True) as world:
        await started(world)
        world.events.publish(world.session.id, EventType.BROWSER_ACTION, {"action": "click", "success": True})
        await world.settle()
        kept = await world.recorder.stop(ANN)
        assert (kept.status, kept.marks) == (RecordingStatus.READY, ())
        assert await world.store.list(ANN, world.session.id) == (kept,)
        await world.file(kept.artifact_id)
        world.muxers.goes_on = asyncio.Event()
        await started(world)
        stopping = spawn(world.recorder.stop(ANN), name="test")
        await world.until(lambda: len(world.muxers.made) == 2)
        await started(world)
        await world.recorder.finish("closed_by_user")
        await world.recorder.close()
        await world.artifacts.forget_session(world.session.id)
        assert ((await stopping).status, (await stopping).error) == (RecordingStatus.FAILED, "dropped")
        assert await world.store.list(ANN, world.session.id) == ()
        assert kept.artifact_id is not None
        with pytest.raises(NotFoundError):
            await world.artifacts.get(kept.artifact_id)
        assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


async def test_a_recording_leaves_the_sessions_room_to_its_files(world: RecordingWorld) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a,b\n" * 4

    await started(world)
    info = await world.recorder.stop(ANN)
    assert info.bytes > 20
    draft = Draft(
        owner=world.session.owner,
        session_id=world.session.id,
        kind=ArtifactKind.DOWNLOAD,
        suggested_name="a.csv",
        bounds=Bounds(max_file_bytes=20, session_bytes=20, session_artifacts=1),
        must_fit=True,
    )
    assert (await world.artifacts.add(draft, body())).state is ArtifactState.READY
    with pytest.raises(QuotaError):
        await world.artifacts.add(draft, body())
    await started(world)
    assert (await world.recorder.stop(ANN)).status is RecordingStatus.READY
    owned = await world.artifacts.totals_of(world.session.owner)
    assert owned.artifacts == 3


async def test_without_room_for_its_owner_it_fails(tmp_path: Path) -> None:
    async with recording_world(tmp_path, max_total_bytes=50) as world:
        await started(world)
        info = await world.recorder.stop(ANN)
        assert (info.status, info.error) == (RecordingStatus.FAILED, "principal_quota")


async def test_a_muxer_that_crashes_is_replaced_once(world: RecordingWorld) -> None:
    world.muxers.crashes = 1
    await started(world)
    assert (await world.recorder.stop(ANN)).status is RecordingStatus.READY
    world.muxers.crashes = 2
    await started(world)
    info = await world.recorder.stop(ANN)
    assert (info.status, info.error) == (RecordingStatus.FAILED, "muxer_failed")
    assert all(mux.is_closed for mux in world.muxers.made)


async def test_an_encoder_that_is_gone_for_good_fails_it_and_what_there_is_is_kept(world: RecordingWorld) -> None:
    await started(world)
    world.stream.close()
    await world.until(lambda: world.recorder.current is None)
    info = world.done()
    assert (info.status, info.ended_by, info.error) == (RecordingStatus.FAILED, "error", "encoder_gone")
    _, told = await world.file(info.artifact_id)
    assert len(told["frames"]) == 1


async def test_a_disk_that_fills_up_ends_it_and_what_there_is_is_kept(tmp_path: Path) -> None:
    with tmpfs("size=4m") as disk:
        async with recording_world(tmp_path, spool=disk) as world:
            await started(world)
            await world.show(bytes(300_000))
            await world.settle()
            with filled(disk, leave_bytes=64 << 10):
                await world.show(bytes(300_000))
                await world.until(lambda: world.recorder.current is None)
            info = world.done()
            assert (info.status, info.ended_by) == (RecordingStatus.READY, "disk_full")
            _, told = await world.file(info.artifact_id)
            assert len(told["frames"]) == 2


async def test_with_too_little_of_the_disk_left_nothing_is_begun(tmp_path: Path) -> None:
    async with recording_world(tmp_path, limits=RecordingLimits(min_free_bytes=1 << 60)) as world:
        with pytest.raises(BusyError) as refused:
            await world.recorder.start(ANN, REQUEST)
        assert refused.value.fields["reason"] == "disk_full"
        assert world.recorder.current is None
        with pytest.raises(BusyError):
            await world.recorder.start(ANN, REQUEST)


async def test_a_session_that_is_always_recorded_is_from_its_beginning(tmp_path: Path) -> None:
    async with recording_world(tmp_path, policy=ALWAYS) as world:
        world.view.first = KEY
        await world.recorder.begin()
        ready(world)
        assert world.recorder.current is not None
        with pytest.raises(ConflictError):
            await world.recorder.start(ANN, REQUEST)
        await world.recorder.finish("idle_timeout")
        assert world.done().ended_by == "session_ended"
        assert world.owner.published[0][1]["by"] == "cloche"
        assert world.ended == []


async def test_a_stop_or_a_cap_ends_a_part_and_the_next_begins_with_a_key_frame(tmp_path: Path) -> None:
    limits = RecordingLimits(min_free_bytes=0, max_seconds=60)
    async with recording_world(tmp_path, policy=ALWAYS, limits=limits) as world:
        world.view.first = KEY
        await world.recorder.begin()
        stopping = spawn(world.recorder.stop(ANN), name="test")
        await world.until(lambda: world.stream.keys_asked)
        await world.show(b"still of the first")
        await world.show(b"the second's", is_key=True)
        assert (await stopping).ended_by == "stopped"
        assert world.recorder.current is not None
        assert world.recorder.current.id == "r2"
        world.clock.advance(59.5)
        await world.show(b"asks for a key")
        assert world.stream.keys_asked == 2
        await world.show(is_key=True)
        await world.until(lambda: len(world.recorder.all()) == 3)
        assert world.done(1).ended_by == "time_cap"
        await world.recorder.finish("closed_by_user")
        _, first = await world.file(world.done(2).artifact_id)
        _, second = await world.file(world.done(1).artifact_id)
        assert (len(first["frames"]), len(second["frames"])) == (2, 2)
        assert world.ended == []
        assert len(world.view.subscriptions) == 1


async def test_a_part_ends_though_no_key_frame_comes(tmp_path: Path) -> None:
    async with recording_world(tmp_path, policy=ALWAYS) as world:
        world.view.first = KEY
        await world.recorder.begin()
        stopping = spawn(world.recorder.stop(ANN), name="test")
        await world.until(lambda: world.stream.keys_asked)
        world.clock.advance(2)
        assert (await stopping).status is RecordingStatus.READY
        assert world.recorder.current is not None
        assert world.stream.keys_asked >= 2


@pytest.mark.parametrize("fault", ["encoder", "full", "no_picture"])
async def test_what_cannot_be_recorded_always_does_not_start(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PICTURE_S", 0.05 if fault == "no_picture" else 10)
    limits = RecordingLimits(min_free_bytes=0, at_once=0 if fault == "full" else 32)
    async with recording_world(tmp_path, policy=ALWAYS, limits=limits) as world:
        starting = spawn(world.recorder.begin(), name="test")
        if fault == "encoder":
            await world.until(lambda: world.view.subscriptions)
            world.stream.close()
        with pytest.raises(StartError) as refused:
            await starting
        assert refused.value.reason == "recording_unavailable"
        assert world.ended == []


async def test_an_adopted_session_whose_browser_was_stopped_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PICTURE_S", 0.05)
    async with recording_world(tmp_path, policy=ALWAYS) as world:
        ready(world)
        await world.recorder.begin()
        await world.show(is_key=True)
        await world.recorder.finish("closed_by_user")
        assert world.done().status is RecordingStatus.READY


async def test_numbers_go_on_with_the_next_daemon(tmp_path: Path) -> None:
    async with recording_world(tmp_path) as world:
        await started(world)
        await world.recorder.stop(ANN)
        again = module.SessionRecorder(
            *(world.session, world.owner, world.view, world.store),
            events=world.events,
            clock=world.clock,
            audit=world.audit,
            cannot_go_on=lambda: None,
        )
        assert (await again.start(ANN, REQUEST)).id == "r2"
        await again.close()
        assert [info.id for info in await world.store.list(ANN, world.session.id)] == ["r2", "r1"]


@pytest.mark.parametrize("fault", ["encoder", "disk", "store"])
async def test_a_session_that_cannot_be_recorded_any_more_has_to_end(tmp_path: Path, fault: str) -> None:
    with tmpfs("size=4m") as disk:
        total = 50 if fault == "store" else 1 << 30
        async with recording_world(tmp_path, policy=ALWAYS, spool=disk, max_total_bytes=total) as world:
            world.view.first = KEY
            await world.recorder.begin()
            ready(world)
            if fault == "encoder":
                world.stream.close()
            elif fault == "disk":
                with filled(disk):
                    await world.show(bytes(300_000))
                    await world.until(lambda: world.ended)
            else:
                stopping = spawn(world.recorder.stop(ANN), name="test")
                await world.until(lambda: world.stream.keys_asked)
                await world.show(is_key=True)
                assert (await stopping).error == "principal_quota"
            await world.until(lambda: world.ended)
            assert len(world.ended) == 1
