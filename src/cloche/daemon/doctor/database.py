"""The database: it opens, and what is in it is whole."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "database"
MEANING: Final = "sessions, keys and events are kept here"
TIMEOUT_S: Final = 5.0


def check(settings: DoctorSettings) -> CheckResult:
    try:
        path = sqlite_path(settings.database_url)
    except ArgumentError:
        mend = "set CLOCHE_DATABASE_URL to sqlite:////absolute/path or postgresql://user@host/name"
        return bad(NAME, MEANING, "CLOCHE_DATABASE_URL cannot be read", mend)
    if path is not None:
        return _check_sqlite(path)
    return asyncio.run(_check_server(settings.database_url))


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL; None for another database. Raises ArgumentError."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _check_sqlite(path: Path) -> CheckResult:
    if not path.exists():
        return good(NAME, MEANING, f"{path} is made at the first start")
    try:
        # Read-only: the doctor changes nothing, not even the schema.
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=TIMEOUT_S)
        try:
            verdict = connection.execute("pragma quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        mend = f"stop the daemon, keep a copy of {path}, and restore a backup or `sqlite3 {path} .recover`"
        return bad(NAME, MEANING, f"{path}: {verdict}", mend)
    return good(NAME, MEANING, f"{path}, {path.stat().st_size >> 10} KiB, whole")


async def _check_server(url: str) -> CheckResult:
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    where = f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"
    try:
        engine = create_async_engine(parsed)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        mend = "install the driver of this database beside Cloche: uv pip install asyncpg"
        return bad(NAME, MEANING, f"{where} cannot be used: {type(error).__name__}", mend)
    try:
        async with asyncio.timeout(TIMEOUT_S), engine.connect() as connection:
            await connection.execute(text("select 1"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        mend = "see that the server runs and that CLOCHE_DATABASE_URL names its host, user and database"
        return bad(NAME, MEANING, f"{where} does not answer: {type(error).__name__}", mend)
    finally:
        await engine.dispose()
    return good(NAME, MEANING, f"{where} answers")
