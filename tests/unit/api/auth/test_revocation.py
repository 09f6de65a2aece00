"""How a key's end is noticed by what it has opened."""

import asyncio

import pytest

from cloche.api.auth import revocation
from cloche.api.auth.revocation import until_revoked


async def test_it_ends_when_the_key_no_longer_stands_and_a_database_that_fails_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revocation, "LOOK_EVERY_S", 0.001)
    answers = iter([True, OSError("busy"), True, False])
    asked = 0

    async def stands() -> bool:
        nonlocal asked
        asked += 1
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async with asyncio.timeout(10):
        await until_revoked(stands)
    assert asked == 4
