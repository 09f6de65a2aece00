"""Clients that take no more of an answer."""

import asyncio

import pytest
from starlette.types import Message

from cloche.api import taking
from cloche.errors import DeadlineError


async def test_a_client_that_takes_a_piece_gets_it_as_one_of_more() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await taking.send_piece(send, b"piece")
    assert sent == [{"type": "http.response.body", "body": b"piece", "more_body": True}]


async def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(_: Message) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(taking, "TAKING_S", 0.01)
    with pytest.raises(DeadlineError):
        await taking.send_piece(send, b"piece")
