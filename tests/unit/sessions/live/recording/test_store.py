"""What the daemon knows of all recordings."""

import asyncio
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError
from cloche.ids import PrincipalName, SessionId
from cloche.sessions.live.interface import RecordingRequest, RecordingStatus
from cloche.sessions.live.recording import store as module
from cloche.sessions.live.recording.limits import RecordingLimits
from cloche.sessions.principal import Principal, Role
from cloche.testing.recording import RecordingWorld, recording_world

ANN = Principal(PrincipalName("ann"), Role.USER)
BOB = Principal(PrincipalName("bob"), Role.USER)
ROOT = Principal(PrincipalName("root"), Role.ADMIN)


async def test_a_listing_has_what_runs_and_what_is_done(world: RecordingWorld) -> None:
    for _ in range(2):
        await world.recorder.start(ANN, RecordingRequest())
        await world.show(is_key=True)
        world.clock.advance(1)
        if not world.recorder.all()[1:]:
            await world.recorder.stop(ANN)
    for principal in (ANN, ROOT):
        running, done = await world.store.list(principal, world.session.id)
        assert (running.status, running.seconds) == (RecordingStatus.RUNNING, 1.0)
        assert (done.status, done.id) == (RecordingStatus.READY, "r1")
    assert await world.store.list(BOB, world.session.id) == ()
    assert await world.store.list(ANN, SessionId("ses_other")) == ()


async def test_a_session_that_has_ended_is_listed_from_the_rows(world: RecordingWorld) -> None:
    await world.recorder.start(ANN, RecordingRequest())
    await world.show(is_key=True)
    await world.recorder.finish("closed_by_user")
    await world.recorder.close()
    (listed,) = await world.store.list(ANN, world.session.id)
    assert listed == world.done()


async def test_so_many_at_once_and_no_more(tmp_path: Path) -> None:
    async with recording_world(tmp_path, limits=RecordingLimits(min_free_bytes=0, at_once=2)) as world:
        with world.store.place():
            await world.recorder.start(ANN, RecordingRequest())
            with pytest.raises(BusyError) as refused, world.store.place():
                pass
            assert refused.value.fields["reason"] == "recordings_full"
            await world.recorder.stop(ANN)
        with world.store.place(), world.store.place():
            pass


async def test_a_daemon_that_stops_waits_so_long_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    async with recording_world(tmp_path) as world:
        world.muxers.goes_on = asyncio.Event()
        await world.recorder.start(ANN, RecordingRequest())
        await world.show(is_key=True)
        stopping = spawn(world.recorder.stop(ANN), name="test")
        await world.until(lambda: world.muxers.made)
        await world.store.close()
        info = await stopping
        assert (info.status, info.error) == (RecordingStatus.FAILED, "dropped")
        assert world.muxers.made[0].is_closed
        (listed,) = await world.store.list(ANN, world.session.id)
        assert listed == info


async def test_the_directory_is_the_owners_alone(world: RecordingWorld, tmp_path: Path) -> None:
    assert (tmp_path / "recordings").stat().st_mode & 0o777 == 0o700
