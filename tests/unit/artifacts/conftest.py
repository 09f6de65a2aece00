"""A store on a real database and a real directory."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from cloche.artifacts.draft import Bounds, Draft, StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.model import ArtifactKind
from cloche.artifacts.store import ArtifactStore
from cloche.ids import PrincipalName, SessionId
from cloche.storage.database import Database
from cloche.testing.clock import FakeClock
from cloche.testing.databases import fresh_database

SESSION = SessionId("ses_01J00000000000000000000000")


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's own choice for a terminal reads source files to colour a traceback, in the middle of the loop."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await fresh_database(tmp_path / "cloche.db")
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


MakeStore = Callable[..., ArtifactStore]


@pytest.fixture
def make_store(database: Database, clock: FakeClock, directory: Path) -> MakeStore:
    """A store with settings of its own, on the one database and directory; the test starts it."""

    def make(*, scanner: Any = None, keys: ArtifactKeys | None = None, **limits: int) -> ArtifactStore:
        most = {"retention_s": 1000, "quarantine_retention_s": 5000, "max_total_bytes": 1 << 30} | limits
        keys = keys or ArtifactKeys(b"s" * 32, None)
        return ArtifactStore(database, directory, keys, clock, StoreLimits(**most), scanner)

    return make


@pytest.fixture
async def store(make_store: MakeStore) -> ArtifactStore:
    store = make_store()
    await store.start()
    return store


@pytest.fixture
def draft() -> Callable[..., Draft]:
    def make(**changes: Any) -> Draft:
        bounds = {"max_file_bytes": 8 << 20} | {
            name: changes.pop(name)
            for name in ("max_file_bytes", "session_bytes", "session_artifacts")
            if name in changes
        }
        facts: dict[str, Any] = {
            "owner": PrincipalName("alice"),
            "session_id": SESSION,
            "kind": ArtifactKind.DOWNLOAD,
            "suggested_name": "notes.txt",
            "declared_type": "text/plain",
        }
        return Draft(bounds=Bounds(**bounds), **facts | changes)

    return make
