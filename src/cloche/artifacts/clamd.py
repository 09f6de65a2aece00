"""ClamAV's daemon over its Unix socket: INSTREAM (clamd(8), section COMMANDS).

→ zINSTREAM\\0   → u32 length, bytes   …   → u32 0
← stream: OK\\0   |   stream: <name> FOUND\\0   |   … ERROR\\0
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloche.artifacts.scanner import Clean, ScanResult, Unavailable, finding

MAX_ANSWER_BYTES: Final = 4096
_LENGTH: Final = struct.Struct(">I")


class ClamdScanner:
    """One connection per file; clamd itself bounds how many it works on."""

    def __init__(self, socket: Path, *, timeout_s: float) -> None:
        self._socket = socket
        self._timeout_s = timeout_s

    async def scan(self, stream: AsyncIterator[bytes]) -> ScanResult:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(stream)
        except TimeoutError:
            return Unavailable("timeout")
        except ConnectionError as error:
            return Unavailable(type(error).__name__)

    async def _ask(self, stream: AsyncIterator[bytes]) -> ScanResult:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=MAX_ANSWER_BYTES)
        except OSError as error:
            return Unavailable(error.strerror or "no connection")
        try:
            # One that has heard enough (too large, say) answers and hangs up in the midst: the answer counts.
            with suppress(ConnectionError):
                await _send(writer, stream)
            return _read(await reader.readuntil(b"\0"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return Unavailable("no answer")
        finally:
            writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, stream: AsyncIterator[bytes]) -> None:
    writer.write(b"zINSTREAM\0")
    async for piece in stream:
        if piece:
            writer.writelines((_LENGTH.pack(len(piece)), piece))
            await writer.drain()
    writer.write(_LENGTH.pack(0))
    await writer.drain()


def _read(answer: bytes) -> ScanResult:
    text = answer.rstrip(b"\0\n").decode("utf-8", "replace")
    told = text.removeprefix("stream: ")
    if told == "OK" and told != text:
        return Clean()
    if told.endswith(" FOUND"):
        return finding(told.removesuffix(" FOUND"))
    return Unavailable(finding(text).name)
