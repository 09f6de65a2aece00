"""The REST API for sessions, over real HTTP."""

from collections.abc import AsyncIterator

import pytest

from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_a_session_is_made_with_links_to_the_host_that_was_asked(api: RunningApi) -> None:
    session = await api.session({"labels": {"team": "blue"}})
    assert session["connect_url"].startswith(f"ws://127.0.0.1:{api.port}/v1/sessions/{session['id']}/cdp?token=")
