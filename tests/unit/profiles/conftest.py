from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.testing.databases import place_database
from cloche.testing.profile_store import ProfileWorld, profile_world


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    place_database(path)
    return path


@pytest.fixture
async def world(database_file: Path, tmp_path: Path) -> AsyncIterator[ProfileWorld]:
    async with profile_world(database_file, tmp_path / "profiles") as world:
        yield world
