"""One GET to the agent's HTTP API over a stream of the guest socket."""

import asyncio
import contextlib
import re
import socket
from typing import Final

from cloche.errors import AgentError, DeadlineError

MAX_HEAD_BYTES: Final = 8 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)(?: |\r?\n)")  # what may be handed on as an answer of ours
_LENGTH: Final = re.compile(rb"(?i)^content-length:[ \t]*(\d{1,9})[ \t]*$", re.MULTILINE)


async def get(stream: socket.socket, path: str, *, timeout_s: float) -> tuple[int, bytes]:
    """Send one request on `stream` (from `streams.open_http`; closed here) and read the whole answer.

    `path` is the caller's own constant, never a user's text. Returns status and body, at most `MAX_BODY_BYTES`.

    Raises:
        AgentError: the answer is no HTTP/1.1, has no Content-Length, or is too large.
        DeadlineError: it did not come within `timeout_s`.
    """
    reader, writer = await asyncio.open_connection(sock=stream, limit=MAX_HEAD_BYTES)
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = _parse_head(head.replace(b"\r\n", b"\n"))
            return status, await reader.readexactly(length)
    except TimeoutError:
        raise DeadlineError("the agent did not answer in time") from None
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise AgentError("the agent broke off its answer") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _parse_head(head: bytes) -> tuple[int, int]:
    status, length = _STATUS.match(head), _LENGTH.search(head)
    if status is None or length is None:
        raise AgentError("the agent's answer was not understood")
    if int(length[1]) > MAX_BODY_BYTES:
        raise AgentError("the agent's answer is too large")
    return int(status[1]), int(length[1])
