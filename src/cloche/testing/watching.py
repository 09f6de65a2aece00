"""What a test waits for in a session of a real daemon: an event of some type, a report of the stub browser."""

import asyncio
import json
import time
from typing import Any

from cloche.testing.daemon import DaemonProcess

Json = dict[str, Any]


async def all_events(daemon: DaemonProcess, id_: str, *, timeout_s: float = 15) -> list[Json]:
    """Every event of a session, to its last: the stream ends with the session."""
    answer = await daemon.request("GET", f"/v1/sessions/{id_}/events", timeout_s=timeout_s)
    assert answer.status == 200, answer.body
    return [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]


async def events_until(daemon: DaemonProcess, id_: str, type_: str, *, timeout_s: float = 20) -> list[Json]:
    """The events of a live session up to the first of this type. Raises TimeoutError, or EOFError at its end."""
    host, _, port = daemon.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    seen: list[Json] = []
    try:
        request = f"GET /v1/sessions/{id_}/events HTTP/1.0\r\nHost: localhost\r\nX-API-Key: {daemon.key}\r\n\r\n"
        writer.write(request.encode())
        async with asyncio.timeout(timeout_s):
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    seen.append(json.loads(line[6:]))
                    if seen[-1]["type"] == type_:
                        return seen
        raise EOFError(f"ended without {type_}: {[event['type'] for event in seen]}")
    finally:
        writer.close()


async def stub_report(daemon: DaemonProcess, id_: str, key: str, *, timeout_s: float = 20) -> Json:
    """What the stub browser of a session tells, once `key` is in it (see `cloche.testing.stub_chromium`)."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = await daemon.request("GET", f"/v1/sessions/{id_}/json/list")
        assert answer.status == 200, answer.body
        report: Json = answer.json[0]
        if key in report:
            return report
        assert time.monotonic() < deadline, report
        await asyncio.sleep(0.1)
