"""The table: what goes in comes out, and it is the one that the migrations make."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect

from cloche.artifacts import rows
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.artifacts.rows import Filter, Stored, Totals
from cloche.ids import ArtifactId, PrincipalName, ProfileId, SessionId
from cloche.storage.database import Database

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def artifact(number: int = 1, **changes: object) -> Artifact:
    made = Artifact(
        id=ArtifactId(f"art_{number:026d}"),
        owner=PrincipalName("alice"),
        session_id=SessionId("ses_1"),
        profile_id=ProfileId("prf_1"),
        kind=ArtifactKind.DOWNLOAD,
        state=ArtifactState.QUARANTINED,
        reasons=("too_large", "macro"),
        file_name="ä.doc",
        media_type="application/msword",
        declared_type="text/plain",
        size_bytes=10,
        sha256="0" * 64,
        source_url="https://a.test/",
        referrer="https://b.test/",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_a_row_comes_out_as_it_went_in(database: Database) -> None:
    stored = Stored(artifact(decided_at=NOW, decided_by="root"), "b" * 32, 100, "1.key.text", "key")
    async with database.begin() as connection:
        await rows.add(connection, stored)
    async with database.read() as connection:
        assert await rows.get(connection, stored.artifact.id) == stored
        assert await rows.get(connection, ArtifactId("art_none")) is None


async def test_the_migrated_table_is_the_declared_one(database: Database) -> None:
    async with database.read() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("artifacts"))
        indexes = await connection.run_sync(lambda sync: inspect(sync).get_indexes("artifacts"))
    found = {column["name"]: (str(column["type"]), column["nullable"]) for column in columns}
    declared = {
        column.name: (str(column.type.compile(connection.dialect)), bool(column.nullable))
        for column in rows.artifacts.columns
    }
    assert found == declared
    assert {index["name"] for index in indexes if not index["unique"]} == {
        str(index.name) for index in rows.artifacts.indexes
    }


async def test_totals_count_bytes_of_what_is_kept_and_all_records(database: Database) -> None:
    async with database.begin() as connection:
        await rows.add(connection, Stored(artifact(1), "a" * 32, 9, "k", "k"))
        await rows.add(connection, Stored(artifact(2, state=ArtifactState.REJECTED)))
        await rows.add(connection, Stored(artifact(3, session_id=None, size_bytes=5), "c" * 32, 9, "k", "k"))
    async with database.read() as connection:
        assert await rows.totals(connection, Filter(session_id=SessionId("ses_1"))) == Totals(10, 2)
        assert await rows.totals(connection, Filter(owner=PrincipalName("alice"))) == Totals(15, 3)
        assert await rows.totals(connection, Filter(owner=PrincipalName("bob"))) == Totals(0, 0)


async def test_more_rows_than_are_read_at_once_are_all_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_READ_AT_ONCE", 3)
    async with database.begin() as connection:
        for number in range(13):
            await rows.add(
                connection, Stored(artifact(number), f"{number:032x}", 9, "k", "old" if number % 2 else "new")
            )
    async with database.read() as connection:
        assert len([stored async for stored in rows.with_bytes(connection)]) == 13
        assert len([stored async for stored in rows.with_bytes(connection, not_under="new")]) == 6
        assert len(await rows.expired(connection, NOW + timedelta(days=2))) == 3
        assert await rows.expired(connection, NOW) == []
