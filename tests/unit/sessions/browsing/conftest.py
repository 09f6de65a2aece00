from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cloche.testing.browsing import Bench


@pytest.fixture
async def make_bench() -> AsyncIterator[Callable[..., Bench]]:
    """Make a service over functions of the test's own; it is taken down after the test."""
    benches = list[Bench]()

    def make(*given: Any, **changes: Any) -> Bench:
        benches.append(Bench(*given, **changes))
        return benches[-1]

    yield make
    for bench in benches:
        await bench.close()
