import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from cloche.profiles import rows
from cloche.testing.profile_store import ProfileWorld

TABLES = (rows.profiles, rows.keys, rows.revisions, rows.leases)


async def test_the_migrated_tables_are_the_ones_declared(world: ProfileWorld) -> None:
    declared = MetaData()
    for table in TABLES:
        table.to_metadata(declared)

    def differences(connection: Connection) -> list[object]:
        def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
            return kind != "table" or name in declared.tables

        options = {"compare_type": True, "include_object": ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared))

    async with world.database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_log_is_cut_off_once_nobody_reads(world: ProfileWorld, database_file: Path) -> None:
    await world.add()
    reader = sqlite3.connect(database_file)
    reader.execute("begin")
    reader.execute("select * from profiles").fetchone()
    async with world.database.begin() as connection:
        await connection.execute(text("pragma busy_timeout=0"))
        assert not await rows.empty_wal(connection)
    reader.close()
    async with world.database.begin() as connection:
        assert await rows.empty_wal(connection)
    assert (database_file.parent / "x.db-wal").stat().st_size == 0
