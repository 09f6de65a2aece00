"""The use cases of the logs: what was kept, cut to what is asked for."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.logs import (
    ConsoleLogRequest,
    ConsoleLogResponse,
    NetworkLogEntry,
    NetworkLogRequest,
    NetworkLogResponse,
    PageDiagnostics,
)
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.logs.console import SEVERITIES, shown
from cloche.browser.logs.network import Exchange
from cloche.browser.redact.bodies import redact_body
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import redact_url
from cloche.browser.tab import Tab

BODY_BYTES: Final = 4096
MAX_BODY_BYTES: Final = 1 << 20
MAX_FETCHED_BYTES: Final = 4 << 20
"""Of a response, to look into it at all: DevTools hands it over whole."""
MIN_READ_CHARS: Final = 256 << 10
"""Of a body, to find the secrets in it; JSON is only read as such when all of it is there."""
MAX_BODIES: Final = 32
MAX_CONSOLE_BYTES: Final = 256 << 10

T = TypeVar("T")


class Body(msgspec.Struct):
    body: str = ""
    base64Encoded: bool = False


async def network_log(call: Call, request: NetworkLogRequest) -> NetworkLogResponse:
    """Network.*, and Network.getResponseBody for the bodies that Chromium still has."""
    rings = call.browser.memory.network.rings
    tab_id = "" if request.all_tabs else call.tab.id
    found = [
        (number, exchange)
        for number, exchange in rings.entries(tab_id, request.after)
        if request.url_contains in exchange.url and (exchange.error or not request.failed_only)
    ]
    limit = min(request.limit or call.limits.network_log_entries, call.limits.network_log_entries)
    newest = found[-limit:]
    entries = [exchange.entry(with_headers=request.include_headers) for _, exchange in newest]
    if request.include_bodies:
        size = min(request.max_body_bytes or BODY_BYTES, MAX_BODY_BYTES)
        entries = await _with_bodies(call, newest, entries, size)
    kept = newest_that_fit(entries, _bytes(request.max_payload_bytes, call.limits.network_log_bytes))
    return NetworkLogResponse(
        entries=kept,
        truncated=len(kept) < len(found),
        next_after=rings.last_number,
        dropped=rings.dropped(tab_id),
    )


async def console_log(call: Call, request: ConsoleLogRequest) -> ConsoleLogResponse:
    rings = call.browser.memory.console.rings
    tab_id = "" if request.all_tabs else call.tab.id
    least = SEVERITIES.index(request.minimum_severity or "info")
    found = [
        entry[0] for _, entry in rings.entries(tab_id, request.after) if SEVERITIES.index(entry[0].severity) >= least
    ]
    limit = min(request.limit or call.limits.console_log_entries, call.limits.console_log_entries)
    newest = await asyncio.to_thread(lambda: [shown(entry) for entry in found[-limit:]])
    kept = newest_that_fit(newest, _bytes(request.max_payload_bytes, MAX_CONSOLE_BYTES))
    return ConsoleLogResponse(
        entries=kept,
        truncated=len(kept) < len(found),
        page_diagnostics=diagnostics(call.tab) if request.include_page_diagnostics else None,
        next_after=rings.last_number,
        dropped=rings.dropped(tab_id),
    )


def diagnostics(tab: Tab) -> PageDiagnostics:
    entries = [entry[0] for _, entry in tab.memory.console.rings.entries(tab.id)]
    return PageDiagnostics(
        page_url=redact_url(tab.url),
        title=redact_text(tab.title[:1024]),
        entry_count=sum(entry.count for entry in entries),
        warning_count=sum(entry.count for entry in entries if entry.severity == "warning"),
        error_count=sum(entry.count for entry in entries if entry.severity == "error"),
        last_event=f"{entries[-1].severity}: {shown(entries[-1]).message}"[:256] if entries else "",
    )


def newest_that_fit(entries: Sequence[T], max_bytes: int) -> list[T]:
    """The newest whose JSON is no larger in all; at least the very newest is never cut in half."""
    size, kept = 0, 0
    for entry in reversed(entries):
        size += len(msgspec.json.encode(entry))
        if size > max_bytes:
            break
        kept += 1
    return list(entries[len(entries) - kept :])


async def _with_bodies(
    call: Call, exchanges: Sequence[tuple[int, Exchange]], entries: list[NetworkLogEntry], size: int
) -> list[NetworkLogEntry]:
    """Each body is cut as soon as it is there: a browser may send 96 MiB for every one of them."""
    wanted = [n for n, (_, exchange) in enumerate(exchanges) if exchange.ended >= 0 and not exchange.error][
        -MAX_BODIES:
    ]

    async def add(n: int) -> None:
        body = await _body(exchanges[n][1], call.deadline)
        if body is not None:
            # On a thread: what a site sends may take a second to be read through.
            entries[n] = await asyncio.to_thread(cut_body, entries[n], body, size)

    await asyncio.gather(*(add(n) for n in wanted))
    return entries


async def _body(exchange: Exchange, deadline: float) -> Body | None:
    """None where Chromium has it no longer, or it is too large to be looked into."""
    if exchange.response_bytes > MAX_FETCHED_BYTES or exchange.session.is_gone:
        return None
    try:
        params = {"requestId": exchange.request_id}
        return await exchange.session.call("Network.getResponseBody", params, Body, deadline=deadline)
    except DevToolsError:
        return None


def cut_body(entry: NetworkLogEntry, body: Body, size: int) -> NetworkLogEntry:
    if body.base64Encoded:
        try:
            data = base64.b64decode(body.body[: 4 * (size // 3 + 3)].encode() + b"==")[:size]
        except ValueError:
            return entry  # the browser's word is no base64
        whole = len(body.body) * 3 // 4 <= size + 2
        return replace(entry, body=base64.b64encode(data).decode(), body_base64=True, body_truncated=not whole)
    read = body.body[: max(2 * size, MIN_READ_CHARS)]
    text = redact_body(read, entry.mime_type)
    cut = text.encode()[:size].decode(errors="ignore")
    return replace(entry, body=cut, body_truncated=len(cut) < len(text) or len(read) < len(body.body))


def _bytes(asked: int, most: int) -> int:
    return min(asked or most, most)
