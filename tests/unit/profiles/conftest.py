import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cloche.storage.database import Database
from cloche.testing.profile_store import ProfileWorld, profile_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once: alembic costs more than most of these tests."""
    path = tmp_path_factory.mktemp("migrated") / "x.db"
    await (await Database.open(f"sqlite:///{path}")).close()
    return path


@pytest.fixture
def database_file(_migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(_migrated, tmp_path / "x.db"))


@pytest.fixture
async def world(database_file: Path, tmp_path: Path) -> AsyncIterator[ProfileWorld]:
    async with profile_world(database_file, tmp_path / "profiles") as world:
        yield world
