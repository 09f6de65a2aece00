import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from cloche.api.auth import rows
from cloche.api.auth.rows import keys
from cloche.concurrency.tasks import spawn
from cloche.errors import InternalError
from cloche.storage.database import Database
from cloche.storage.sqlite_thread import Connection
from cloche.testing.clock import FakeClock


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{tmp_path}/x.db")
    yield database
    await database.close()


async def add(connection: Connection, name: str) -> None:
    key = {"id": name, "secret_hash": name, "principal": "ann", "role": "user", "name": "", "scopes": []}
    await connection.execute(keys.insert().values(**key, created_at=FakeClock().now()))


async def names(connection: Connection) -> list[str]:
    return list((await connection.execute(select(keys.c.id).order_by(keys.c.id))).scalars())


async def test_what_is_written_in_one_trip_is_seen_by_every_other_connection(database: Database) -> None:
    async def both(connection: Connection) -> int:
        await add(connection, "a")
        await add(connection, "b")
        return 2

    assert await database.write(both) == 2
    assert await database.look(names) == ["a", "b"]
    async with database.read() as connection:
        assert await names(connection) == ["a", "b"]


async def test_of_a_transaction_that_fails_nothing_is_kept(database: Database) -> None:
    async def twice(connection: Connection) -> None:
        await add(connection, "a")
        await add(connection, "a")

    with pytest.raises(IntegrityError):
        await database.write(twice)
    assert await database.look(names) == []
    await database.write(lambda connection: add(connection, "b"))  # and nothing stands in the way of the next
    assert await database.look(names) == ["b"]


async def test_a_transaction_that_waits_for_something_else_is_rolled_back(database: Database) -> None:
    async def wait(connection: Connection) -> None:
        await add(connection, "a")
        await asyncio.sleep(0)

    with pytest.raises(InternalError):
        await database.write(wait)
    assert await database.look(names) == []


async def test_a_cancelled_write_is_finished_before_anyone_else_writes(database: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    async def slow(connection: Connection) -> None:
        await add(connection, "a")
        inside.set()
        assert go_on.wait(5)

    writing = spawn(database.write(slow), name="slow")
    await asyncio.to_thread(inside.wait, 5)
    writing.cancel()
    next_one = spawn(database.write(lambda connection: add(connection, "b")), name="next")
    await asyncio.sleep(0)
    assert not writing.done()
    assert not next_one.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await next_one
    assert await database.look(names) == ["a", "b"]


async def test_both_ways_of_writing_take_turns(database: Database) -> None:
    async def stepwise(name: str) -> None:
        async with database.begin() as connection:
            await add(connection, name)

    ways = [database.write(lambda connection, n=n: add(connection, f"w{n}")) for n in range(20)]  # type: ignore[misc]
    await asyncio.gather(*ways, *(stepwise(f"s{n}") for n in range(20)))
    assert len(await database.look(names)) == 40


async def test_its_connections_are_tuned_as_the_others_are(database: Database) -> None:
    async def pragmas(connection: Connection) -> list[int]:
        names = ("busy_timeout", "synchronous", "foreign_keys")
        return [(await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in names]

    async with database.read() as connection:
        assert await database.look(pragmas) == await pragmas(connection)


async def test_one_that_has_to_last_is_synced_and_others_do_not_pay_for_it(database: Database) -> None:
    async def synchronous(connection: Connection) -> int:
        return int((await connection.execute(text("PRAGMA synchronous"))).scalar_one())

    async def fails(connection: Connection) -> None:
        await add(connection, "lost")
        await add(connection, "lost")

    normal, full = 1, 2
    assert await database.write(synchronous, durable=True) == full
    assert await database.write(synchronous) == normal
    with pytest.raises(IntegrityError):
        await database.write(fails, durable=True)
    assert await database.write(synchronous) == normal
    await database.write(lambda connection: add(connection, "kept"), durable=True)
    assert await database.look(names) == ["kept"]


async def test_rows_functions_run_either_way(database: Database) -> None:
    await database.write(lambda connection: add(connection, "a"))
    found = await database.look(lambda connection: rows.by_hash(connection, "a"))
    assert found is not None
    assert found["id"] == "a"
