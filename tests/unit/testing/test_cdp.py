"""The raw DevTools client against a scripted peer: answers, events, errors, silence and closing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cloche.testing.cdp import CdpClient, CdpClosedError, CdpError

Message = dict[str, Any]


async def answer(peer: ServerConnection) -> None:
    """Play a Chromium that knows a few methods."""
    async for text in peer:
        message: Message = json.loads(text)
        number, method = message["id"], message["method"]
        if method == "Test.echo":
            reply = {"id": number, "result": {"params": message["params"], "session": message.get("sessionId")}}
            await peer.send(json.dumps(reply))
        elif method == "Test.fail":
            await peer.send(json.dumps({"id": number, "error": {"code": -32601, "message": "not found"}}))
        elif method == "Test.fire":
            for params in message["params"]["events"]:
                event = {"method": "Test.fired", "params": params, "sessionId": "S1"}
                await peer.send(json.dumps(event))
            await peer.send(json.dumps({"id": number, "result": {}}))
        elif method == "Test.close":
            await peer.close(4001, "enough")


@pytest.fixture
async def client() -> AsyncIterator[CdpClient]:
    async with serve(_play(answer), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with await CdpClient.connect(f"ws://127.0.0.1:{port}/devtools/browser/x") as connected:
            yield connected


def _play(handler: Callable[[ServerConnection], Awaitable[None]]) -> Callable[[ServerConnection], Awaitable[None]]:
    async def play(peer: ServerConnection) -> None:
        try:
            await handler(peer)
        except ConnectionClosed:
            return

    return play


async def test_a_call_gets_its_own_answer(client: CdpClient) -> None:
    first, second = await asyncio.gather(
        client.send("Test.echo", {"n": 1}), client.send("Test.echo", {"n": 2}, session_id="S1")
    )
    assert first == {"params": {"n": 1}, "session": None}
    assert second == {"params": {"n": 2}, "session": "S1"}


async def test_an_error_is_raised_with_its_code(client: CdpClient) -> None:
    with pytest.raises(CdpError, match=r"Test\.fail: not found") as caught:
        await client.send("Test.fail")
    assert caught.value.code == -32601


async def test_silence_is_a_timeout_that_names_the_method(client: CdpClient) -> None:
    with pytest.raises(TimeoutError, match=r"Test\.silent"):
        await client.send("Test.silent", timeout_s=0.05)
    assert await client.send("Test.echo")


async def test_an_event_asked_for_before_it_fires_is_not_missed(client: CdpClient) -> None:
    second = client.expect("Test.fired", where=lambda params: params["n"] == 2)
    other = client.expect("Test.fired", session_id="S2")
    await client.send("Test.fire", {"events": [{"n": 1}, {"n": 2}]})
    assert (await second).params == {"n": 2}
    assert not other.done()
    other.cancel()


async def test_every_event_can_be_kept(client: CdpClient) -> None:
    client.events = []
    await client.send("Test.fire", {"events": [{"n": 1}, {"n": 2}]})
    assert [event.params["n"] for event in client.events] == [1, 2]


async def test_a_close_ends_what_waits_and_tells_why(client: CdpClient) -> None:
    waiting = client.expect("Test.fired")
    with pytest.raises(CdpClosedError, match="enough"):
        await client.send("Test.close")
    with pytest.raises(CdpClosedError):
        await waiting
    assert (await client.wait_closed()).code == 4001
    with pytest.raises(CdpClosedError):
        await client.send("Test.echo")
