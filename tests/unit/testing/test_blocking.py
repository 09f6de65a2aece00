"""What blocks the event loop is caught in our own code, and not in the test's."""

import time
from pathlib import Path

import pytest
from blockbuster import BlockingError

from cloche.daemon import settings


async def test_a_blocking_call_of_ours_is_an_error(tmp_path: Path) -> None:
    config = tmp_path / "cloche.toml"
    config.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOCHE_CONFIG", str(config))
        with pytest.raises(BlockingError):
            settings.Settings()


async def test_a_test_itself_may_block() -> None:
    time.sleep(0)
