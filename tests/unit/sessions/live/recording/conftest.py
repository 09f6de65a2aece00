"""A recorder between fakes, on a real database and a real disk."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from cloche.testing.recording import RecordingWorld, recording_world


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's own choice for a terminal reads source files to colour a traceback, in the middle of the loop."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RecordingWorld]:
    async with recording_world(tmp_path) as world:
        yield world
