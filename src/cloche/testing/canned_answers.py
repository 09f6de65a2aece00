"""An HTTP server that answers each path with bytes that a test has written, and closes the connection after each."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

HANGS: Final = "…".encode()
"""At the end of an answer: more of it never comes."""
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def html(text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def canned_answers(answers: Mapping[str, bytes]) -> AsyncGenerator[str]:
    """Serve on this machine meanwhile; yields the origin."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()  # connected in advance, and never used
        sent = answers.get(head.split()[1].decode(), _NOT_FOUND)
        writer.write(sent.removesuffix(HANGS))
        if not sent.endswith(HANGS):
            writer.close()
        return None

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.transport.abort()
        server.close()
        await server.wait_closed()
