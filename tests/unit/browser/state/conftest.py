"""A Chromium whose helper processes are there already, and pages at an origin of this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from cloche.browser.call import Call
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.canned_answers import canned_answers
from cloche.testing.warm_chromium import warm_chromium

PATIENCE_S = 5.0
CallOf = Callable[..., Call]
Serve = Callable[[dict[str, bytes]], Awaitable[str]]
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with warm_chromium() as process:
        yield process


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve({"/": html("…")})` answers with an origin."""
    async with AsyncExitStack() as stack:

        async def serve(answers: dict[str, bytes]) -> str:
            return await stack.enter_async_context(canned_answers(answers))

        yield serve


@pytest.fixture
def ask(tab: Tab) -> Ask:
    """`await ask("document.title")`: what an expression comes to in the page's own world."""

    async def ask(expression: str, *, of: Tab = tab) -> Any:
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        answer = await of.session.call("Runtime.evaluate", params, deadline=deadline)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    return ask
