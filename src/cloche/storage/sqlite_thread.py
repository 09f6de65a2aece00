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

    async def run(self, work: Work[T], *, writes: bool) -> T:
        """Run one transaction. Returns, raises or is cancelled only once the thread is done with it."""
        going = asyncio.get_running_loop().run_in_executor(self._threads, _run, self._engine, work, writes)
        return await finished(going)

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


def _run(engine: Engine, work: Work[T], writes: bool) -> T:
    with engine.begin() if writes else engine.connect() as connection:
        return _to_its_end(work(_AtOnce(connection)))


def _to_its_end(steps: Coroutine[Any, Any, T]) -> T:
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    steps.close()
    raise InternalError("a transaction waited for something that is not its connection")
