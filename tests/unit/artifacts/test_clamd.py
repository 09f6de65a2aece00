"""Clamd's INSTREAM, against a server that speaks it."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from cloche.artifacts.clamd import ClamdScanner
from cloche.artifacts.scanner import Clean, Found, ScanResult, Unavailable

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def received(reader: asyncio.StreamReader) -> bytes:
    assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
    data = b""
    while size := struct.unpack(">I", await reader.readexactly(4))[0]:
        data += await reader.readexactly(size)
    return data


@asynccontextmanager
async def clamd(path: Path, answer: Answer) -> AsyncIterator[ClamdScanner]:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            ended.set()

    server = await asyncio.start_unix_server(serve, path)
    yield ClamdScanner(path, timeout_s=5)
    await asyncio.wait_for(ended.wait(), 5)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"stream: OK\0", Clean()),
        (b"stream: Eicar-Signature FOUND\0", Found("Eicar-Signature")),
        (b"stream: Bad name; <b> FOUND\0", Found("Bad_name_b")),
        (b"INSTREAM size limit exceeded. ERROR\0", Unavailable("INSTREAM_size_limit_exceeded._ERROR")),
        (b"OK\0", Unavailable("OK")),
        (b"\0", Unavailable("unnamed")),
        (b"", Unavailable("no answer")),
        (b"x" * 20_000, Unavailable("no answer")),
    ],
)
async def test_answers(tmp_path: Path, answer: bytes, expected: ScanResult) -> None:
    seen = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await received(reader))
        writer.write(answer)
        await writer.drain()

    async with clamd(tmp_path / "s", speak) as scanner:
        assert await scanner.scan(stream(b"a", b"", b"b" * 300_000)) == expected
    assert seen == [b"a" + b"b" * 300_000]


async def test_one_that_has_heard_enough_is_heard(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(100)
        writer.write(b"stream: Early FOUND\0")
        await writer.drain()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    async with clamd(tmp_path / "s", hang_up) as scanner:
        result = await scanner.scan(endless())
    # The kernel may throw the answer away with a reset; then nothing was said, which lets nothing through.
    assert result == Found("Early") or isinstance(result, Unavailable)


async def test_no_clamd_is_no_word(tmp_path: Path) -> None:
    assert isinstance(await ClamdScanner(tmp_path / "none", timeout_s=5).scan(stream(b"x")), Unavailable)


async def test_one_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with clamd(tmp_path / "s", silent):
        assert await ClamdScanner(tmp_path / "s", timeout_s=0.05).scan(stream(b"x")) == Unavailable("timeout")
