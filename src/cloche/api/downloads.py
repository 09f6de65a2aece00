"""Answers that are a session's bytes: passed on as they come, and broken off where they were broken off."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloche.api.taking import send_piece
from cloche.api.while_connected import while_connected
from cloche.errors import ClocheError

_log = structlog.get_logger(__name__)

MAX_NAME_CHARS: Final = 200
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|%]|^\.+')
"""What some system takes for more than a part of a name, and what RFC 6266, appendix D, warns of."""


class Download(Response):
    """An answer whose head and body `answer` makes once it is called: an error before its head is a problem.

    Its body comes from a stranger. What it is told to be is always a file, never something for a browser to show. When
    it breaks off, the connection is closed before the end that was announced, so that nobody takes it for the whole.
    """

    def __init__(self, answer: "AsyncGenerator[Head | bytes]", request: Request) -> None:
        super().__init__()
        self._answer = answer
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(self._request, self._send(send))

    async def _send(self, send: Send) -> None:
        has_begun = False
        try:
            async with aclosing(self._answer) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Head):
                        has_begun = True
                        await send({"type": "http.response.start", "status": piece.status, "headers": piece.encode()})
                    elif piece:
                        await send_piece(send, piece)
        except ClocheError as error:
            if not has_begun:
                raise
            # Returning without the last message makes the server close the connection.
            _log.warning("download_broken_off", code=error.code, detail=error.detail)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header fields of a download."""

    status: int
    fields: Mapping[str, str]

    def encode(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.fields.items()]


def file_fields(file_name: str, media_type: str = "application/octet-stream") -> dict[str, str]:
    """What says of an answer that it is a file for keeping."""
    return {
        "content-type": media_type,
        "content-disposition": disposition(file_name),
        # Opened in a browser all the same, it gets no scripts, no origin and no forms.
        "content-security-policy": "sandbox",
        "cache-control": "no-store",
    }


def disposition(file_name: str) -> str:
    """Content-Disposition (RFC 6266) for a name that a stranger chose, in ASCII and in full (RFC 8187)."""
    name = _UNSAFE.sub("_", "".join(character if character.isprintable() else "_" for character in file_name))
    name = name.strip()[:MAX_NAME_CHARS] or "download"
    plain = "".join(character if character.isascii() else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def exactly(pieces: AsyncIterator[bytes], length: int) -> AsyncGenerator[bytes]:
    """Pass on `length` bytes, which is what was announced; a stranger's stream may be of any other length."""
    left = length
    async for piece in pieces:
        piece = piece[:left]
        left -= len(piece)
        if piece:
            yield piece
        if not left:
            return
