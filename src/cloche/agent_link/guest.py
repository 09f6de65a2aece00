"""The guest protocol from the host: one request, one answer, one connection.

An agent of the published protocol answers exactly one request and closes, so every request gets a connection of its
own, to ours as well: `ask` spends one, `ask_each` dials for each of several.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cloche import __version__
from cloche.errors import AgentError, DeadlineError, TooLargeError
from cloche.wire.frames import FrameDecoder, FrameTooLarge, encode_frame, encode_json
from cloche.wire.guest import PROTOCOL_VERSION, Answer, RequestError, Tagged, Verb, parse_tagged

ANSWER_TIMEOUT_S: Final = 10.0
"""For an answer that takes the agent no work; `Exec` and `SleepPrep` bring a time of their own."""

HUNG_UP: Final = "hung_up"
HELLO: Final = Tagged(
    Verb.HELLO,
    {
        "host_protocol_version": PROTOCOL_VERSION,
        "min_supported_version": PROTOCOL_VERSION,
        "host_version": __version__,
        "requested_capabilities": ["ping"],
    },
)
"""Later agents of the published protocol hear nothing before it, and accept no more and no fewer fields."""

_CHUNK_BYTES: Final = 64 * 1024

Dial = Callable[[], Awaitable[socket.socket]]
"""Makes a fresh, non-blocking connection on which frames may be sent at once."""


async def ask(stream: socket.socket, request: Tagged, *, timeout_s: float) -> Tagged:
    """Send one request on a non-blocking `stream`, which is closed here, and read its answer.

    The answer is what a guest said: its tag and its fields are unchecked beyond being JSON of that shape. An `Error`
    frame is an answer like any other.

    Raises:
        AgentError: the agent hung up without an answer (`agent_code` is then `hung_up`), or gave one that is too large
            or not understood.
        DeadlineError: the whole answer was not there within `timeout_s`.
        TooLargeError: the request does not fit into a frame.
    """
    return await _converse(stream, request, timeout_s)


async def ask_each(dial: Dial, requests: Sequence[Tagged], *, timeout_s: float = ANSWER_TIMEOUT_S) -> list[Tagged]:
    """Ask several things, one after the other, each on a connection of its own; `timeout_s` is for one answer.

    An agent that wants to be greeted before it answers is asked again, with the greeting first.

    Raises:
        AgentError, DeadlineError, TooLargeError: as `ask`, and whatever `dial` raises; what follows is not asked.
    """
    answers: list[Tagged] = []
    greeting: Tagged | None = None
    for request in requests:
        answer = await _converse(await dial(), request, timeout_s, greeting)
        if answer.tag == Answer.MISMATCH and greeting is None:
            greeting = HELLO
            answer = await _converse(await dial(), request, timeout_s, greeting)
        answers.append(answer)
    return answers


def require_fit(request: Tagged) -> None:
    """Raises: TooLargeError when the request does not fit into a frame."""
    _frame(request)


async def _converse(stream: socket.socket, request: Tagged, timeout_s: float, greeting: Tagged | None = None) -> Tagged:
    with stream:
        decoder = FrameDecoder()
        try:
            async with asyncio.timeout(timeout_s):
                if greeting is not None:
                    answer = await _exchange(stream, decoder, greeting)
                    if answer.tag != Answer.HELLO_ACK:
                        return answer
                return await _exchange(stream, decoder, request)
        except TimeoutError:
            raise DeadlineError("the agent did not answer in time") from None
        except FrameTooLarge as error:
            raise AgentError("the agent's answer is too large") from error
        except RequestError as error:
            raise AgentError("the agent's answer was not understood") from error
        except (OSError, EOFError) as error:
            raise AgentError("the agent hung up without an answer", agent_code=HUNG_UP) from error


async def _exchange(stream: socket.socket, decoder: FrameDecoder, request: Tagged) -> Tagged:
    await _send(stream, _frame(request))
    return parse_tagged(await _receive(stream, decoder))


def _frame(request: Tagged) -> bytes:
    try:
        return encode_frame(encode_json(request.value()))
    except FrameTooLarge:
        raise TooLargeError("the request does not fit into a frame of the guest protocol") from None


async def _send(stream: socket.socket, frame: bytes) -> None:
    """Write the frame. An agent that hangs up on what it will not read may have said why: that is read next."""
    try:
        await asyncio.get_running_loop().sock_sendall(stream, frame)
    except (BrokenPipeError, ConnectionResetError):
        return


async def _receive(stream: socket.socket, decoder: FrameDecoder) -> bytes:
    loop = asyncio.get_running_loop()
    while (body := decoder.next_frame()) is None:
        data = await loop.sock_recv(stream, _CHUNK_BYTES)
        if not data:
            raise EOFError
        decoder.feed(data)
    return body
