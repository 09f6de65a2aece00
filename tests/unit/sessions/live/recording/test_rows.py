from dataclasses import replace
from pathlib import Path

from cloche.ids import ArtifactId, PrincipalName
from cloche.sessions import rows as session_rows
from cloche.sessions.live.interface import Mark, RecordingFormat, RecordingInfo, RecordingStatus
from cloche.sessions.live.recording import rows
from cloche.testing.recording import RecordingWorld, recording_world
from cloche.testing.sessions import NOON

INFO = RecordingInfo(
    id="r2",
    status=RecordingStatus.RUNNING,
    format=RecordingFormat.MP4,
    started_at=NOON,
    seconds=1.5,
    bytes=1 << 40,
    marks=(Mark(at_s=0.25, title="click"),),
)
ANN, BOB = PrincipalName("ann"), PrincipalName("bob")


async def stored(world: RecordingWorld, owner: PrincipalName | None = None) -> dict[int, RecordingInfo]:
    async with world.database.read() as connection:
        return await rows.of_session(connection, world.session.id, owner=owner, limit=10)


async def test_a_row_comes_out_as_it_went_in(world: RecordingWorld) -> None:
    async with world.database.begin() as connection:
        await rows.add(connection, world.session.id, 2, ANN, INFO)
    assert await stored(world) == {2: INFO}
    done = replace(INFO, status=RecordingStatus.READY, ended_by="stopped", artifact_id=ArtifactId("art_1"), seconds=9.0)
    async with world.database.begin() as connection:
        await rows.save(connection, world.session.id, 2, done, NOON)
        assert await rows.last_number(connection, world.session.id) == 2
    assert await stored(world) == {2: done}


async def test_they_are_listed_newest_first_and_by_owner(world: RecordingWorld) -> None:
    async with world.database.begin() as connection:
        assert await rows.last_number(connection, world.session.id) == 0
        for number in (1, 2, 3):
            await rows.add(connection, world.session.id, number, ANN, INFO)
        assert list(await rows.of_session(connection, world.session.id, owner=ANN, limit=2)) == [3, 2]
    assert await stored(world, BOB) == {}


async def test_they_go_with_their_session(world: RecordingWorld) -> None:
    async with world.database.begin() as connection:
        await rows.add(connection, world.session.id, 1, ANN, INFO)
        await session_rows.save(connection, replace(world.session, closed_at=NOON))
        await session_rows.forget_ended_before(connection, NOON.replace(hour=13))
    assert await stored(world) == {}


async def test_what_another_daemon_did_not_finish_is_lost(tmp_path: Path) -> None:
    async with recording_world(tmp_path) as world:
        async with world.database.begin() as connection:
            await rows.add(connection, world.session.id, 1, ANN, INFO)
            await rows.add(connection, world.session.id, 2, ANN, replace(INFO, status=RecordingStatus.READY))
        await world.store.start()
        found = await stored(world)
    assert (found[1].status, found[1].error) == (RecordingStatus.FAILED, "daemon_ended")
    assert found[2].status is RecordingStatus.READY
