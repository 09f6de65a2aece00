"""What a process printed, as answers: a stream of server-sent events, and all of it at once."""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
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
_PIECES_A_TURN: Final = 256


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
    texts, is_cut = await _copied(exchange, ring)
    head = {
        "process_id": program.id,
        "exit_code": program.exit_code,
        "signal": program.signal,
        "timed_out": program.has_timed_out,
        "stdout_truncated": is_cut[Stream.STDOUT],
        "stderr_truncated": is_cut[Stream.STDERR],
        "duration_ms": round(program.duration_s * 1000, 3),
    }
    parts = list(_parts(head, texts))
    lengths = (len(part) if isinstance(part, bytes) else _base64_length(part) for part in parts)
    await exchange.begin("application/json", length=sum(lengths))
    for part in parts:
        if isinstance(part, bytes):
            await exchange.write(part)
            continue
        for at in range(0, len(part), _BASE64_BYTES):
            await exchange.write(base64.b64encode(part[at : at + _BASE64_BYTES]))


async def _copied(exchange: Exchange, ring: Ring) -> tuple[list[bytearray], list[bool]]:
    """All that is kept of each output, and whether something of it is missing.

    In turns, since it may have changed from one to the other a million times. What others print meanwhile is left out,
    and what they drive out is missing.
    """
    texts, is_cut = [bytearray() for _ in Stream], [lost > 0 for lost in ring.lost]
    offset, until, count = ring.start, ring.end, 0
    while offset < until:
        if offset < ring.start:
            offset, is_cut = ring.start, [True for _ in Stream]
        if (piece := ring.read(offset, _BATCH_BYTES)) is None:
            break
        texts[piece.stream] += piece.data
        offset = piece.end
        count += 1
        if count % _PIECES_A_TURN == 0:
            await exchange.loop.sleep(0)
    return texts, is_cut


def _parts(head: Mapping[str, Any], texts: Sequence[bytearray]) -> Iterator[bytes | memoryview]:
    """A JSON object: text as it stands, and (memoryview) what is still to be made base64."""
    yield json.dumps(head, separators=(",", ":")).encode()[:-1]
    for stream in Stream:
        yield b',"%b_b64":"' % stream.name.lower().encode()
        yield memoryview(texts[stream])
        yield b'"'
    yield b"}"


def _base64_length(data: memoryview) -> int:
    return (len(data) + 2) // 3 * 4


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
