"""What a process printed, as answers: a stream of server-sent events, and all of it at once."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloche.agent.machine.exchange import BEAT_S, Exchange, encode_event
from cloche.agent.machine.problem import invalid
from cloche.agent.machine.process.program import Program
from cloche.agent.machine.process.ring import Ring, Stream

EVENT_BYTES: Final = 4096
"""Of output, in one event."""
_BATCH_BYTES: Final = 64 * 1024
_BASE64_BYTES: Final = 48 * 1024
"""Made into text at once; a multiple of three, so that the texts can be put together."""


async def stream(exchange: Exchange, program: Program) -> None:
    """Send what it printed from an offset on, and what it prints; its end is told last."""
    offset, follows = _offset(exchange, program.ring), exchange.query_flag("follow", True)
    with program.listening() as printed:
        await exchange.begin_events()
        while True:
            offset = await _send(exchange, program.ring, offset)
            if program.settled.is_set() and offset >= program.tail:
                break
            if not follows and program.is_running:
                await exchange.finish()
                return
            if offset < program.ring.end:
                continue
            try:
                await printed.next(time.monotonic() + BEAT_S)
            except TimeoutError:
                await exchange.send_beat()
    await exchange.send_event(exit_event(program), str(offset))
    await exchange.finish()


def exit_event(program: Program) -> dict[str, Any]:
    return {"event": "exit", "exit_code": program.exit_code, "signal": program.signal}


async def answer_run(exchange: Exchange, program: Program) -> None:
    """Answer with how it went and all that is kept, in pieces: it may be megabytes, and others want their turn."""
    ring = program.ring
    texts = {f"{name.name.lower()}_b64": list(ring.pieces(name)) for name in Stream}
    head = {
        "process_id": program.id,
        "exit_code": program.exit_code,
        "signal": program.signal,
        "timed_out": program.has_timed_out,
        "stdout_truncated": ring.lost[Stream.STDOUT] > 0,
        "stderr_truncated": ring.lost[Stream.STDERR] > 0,
        "duration_ms": round(program.duration_s * 1000, 3),
    }
    parts = list(_parts(head, texts))
    lengths = (len(part) if isinstance(part, bytes) else _base64_length(part) for part in parts)
    await exchange.begin("application/json", length=sum(lengths))
    for part in parts:
        if isinstance(part, bytes):
            await exchange.write(part)
            continue
        for piece in _regular(part):
            await exchange.write(base64.b64encode(piece))


def _parts(head: Mapping[str, Any], texts: Mapping[str, list[bytes]]) -> Iterator[bytes | list[bytes]]:
    """A JSON object: text as it stands, and what is still to be made base64."""
    yield json.dumps(head, separators=(",", ":")).encode()[:-1]
    for name, pieces in texts.items():
        yield b',"%b":"' % name.encode()
        yield pieces
        yield b'"'
    yield b"}"


def _base64_length(pieces: list[bytes]) -> int:
    return (sum(map(len, pieces)) + 2) // 3 * 4


def _regular(pieces: list[bytes]) -> Iterator[bytes]:
    """Give the same bytes in pieces whose length is a multiple of three, but for the last."""
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) >= _BASE64_BYTES:
            yield bytes(pending[:_BASE64_BYTES])
            del pending[:_BASE64_BYTES]
    yield bytes(pending)


def _offset(exchange: Exchange, ring: Ring) -> int:
    """Where to begin: after what the reader has had (WHATWG HTML, section 9.2.4), or where it says, or at the start."""
    name, text = "Last-Event-ID", exchange.head.fields.get("last-event-id", "")
    if text:
        offset: int | None = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    else:
        name, offset = "offset", exchange.query_number("offset", 0)
    if offset is None or offset > ring.end:
        raise invalid(f"must be a whole number up to {ring.end}", name)
    return offset


async def _send(exchange: Exchange, ring: Ring, offset: int) -> int:
    """Send what there is now, and return the offset after it."""
    until, batch = ring.end, bytearray()
    while offset < until:
        if offset < ring.start:
            missed, offset = ring.start - offset, ring.start
            batch += encode_event({"event": "gap", "missed_bytes": missed}, str(offset))
        if (piece := ring.read(offset, EVENT_BYTES)) is None:
            break
        offset = piece.end
        text = base64.b64encode(piece.data).decode()
        batch += encode_event({"stream": piece.stream.name.lower(), "data_b64": text}, str(offset))
        if len(batch) >= _BATCH_BYTES:
            await exchange.write(batch)
            batch.clear()
    await exchange.write(batch)
    return offset
