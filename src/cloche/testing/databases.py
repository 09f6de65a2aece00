"""Empty databases with today's schema, as files: migrating one takes longer than most tests that use it."""

import asyncio
import functools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cloche.storage.database import Database


async def fresh_database(path: Path) -> Database:
    """Open a new database at `path`, as `Database.open` would leave it there."""
    place_database(path)
    return await Database.open(f"sqlite:///{path}")


def place_database(path: Path) -> None:
    """Write an empty database for somebody else to open. Blocks; the first call of a process migrates one."""
    path.touch(mode=0o600)
    path.write_bytes(_migrated())


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as thread:
        path = Path(directory) / "x.db"
        # In a thread: who asks may be in the middle of an event loop of its own.
        thread.submit(asyncio.run, _migrate(path)).result()
        return path.read_bytes()


async def _migrate(path: Path) -> None:
    await (await Database.open(f"sqlite:///{path}")).close()
