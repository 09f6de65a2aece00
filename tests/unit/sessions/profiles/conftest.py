import pytest

from cloche.testing.kept_profiles import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
