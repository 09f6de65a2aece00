"""Whoever takes no more of an answer is given up: it would keep its place in the session, which does not idle."""

import asyncio
from typing import Final

from starlette.types import Send

from cloche.errors import DeadlineError

TAKING_S: Final = 60.0
"""How long a client may take nothing."""


async def send_piece(send: Send, piece: bytes) -> None:
    """Send a piece of a body of which there is more. Raises: DeadlineError."""
    try:
        async with asyncio.timeout(TAKING_S):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:
        raise DeadlineError("the client takes no more") from None
