"""Whole SQLite transactions in one thread: there and back once, and not once for each statement, commit and return.

What runs there is written for either database: a coroutine that awaits nothing but its connection. Here that answers
at once, so the coroutine goes from its first line to its last without a loop.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import CursorResult, Engine, Executable, create_engine, event, make_url

from cloche.concurrency.threads import finished
from cloche.errors import InternalError

THREADS: Final = 2
"""One that writes and one that reads."""

T = TypeVar("T")


class Connection(Protocol):
    """What a transaction needs of a connection. SQLAlchemy's asynchronous one is one."""

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]: ...


Work = Callable[[Connection], Coroutine[Any, Any, T]]


class SqliteThread:
    """Owned by `Database`. Its connections are other ones than the asynchronous engine's, over the same file."""

    def __init__(self, url: str, tune: Callable[[Any, Any], None]) -> None:
        self._engine = create_engine(make_url(url).set(drivername="sqlite"))
        event.listen(self._engine, "connect", tune)
        self._threads = ThreadPoolExecutor(THREADS, "database")

    async def look(self, work: Work[T]) -> T:
        """Run one transaction that only reads."""
        return await self._run(_look, work)

    async def write(self, work: Work[T], *, durable: bool) -> T:
        """Run one that writes; with `durable` it is on the disk after its commit."""
        return await self._run(_write_durably if durable else _write, work)

    async def _run(self, run: Callable[[Engine, Work[T]], T], work: Work[T]) -> T:
        """Returns, raises or is cancelled only once the thread is done with it."""
        return await finished(asyncio.get_running_loop().run_in_executor(self._threads, run, self._engine, work))

    async def close(self) -> None:
        """After the last transaction."""
        await finished(asyncio.get_running_loop().run_in_executor(self._threads, self._engine.dispose))
        self._threads.shutdown(wait=False)


class _AtOnce:
    """A connection that answers before it is awaited."""

    def __init__(self, connection: SyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None, /) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)


def _look(engine: Engine, work: Work[T]) -> T:
    with engine.connect() as connection:
        return _to_its_end(work(_AtOnce(connection)))


def _write(engine: Engine, work: Work[T]) -> T:
    with engine.begin() as connection:
        return _to_its_end(work(_AtOnce(connection)))


def _write_durably(engine: Engine, work: Work[T]) -> T:
    """The pragma does nothing inside of a transaction (sqlite.org/pragma.html#pragma_synchronous)."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=FULL")
        connection.commit()
        try:
            with connection.begin():
                return _to_its_end(work(_AtOnce(connection)))
        finally:
            # The connection goes to others after.
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


def _to_its_end(steps: Coroutine[Any, Any, T]) -> T:
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    steps.close()
    raise InternalError("a transaction waited for something that is not its connection")
