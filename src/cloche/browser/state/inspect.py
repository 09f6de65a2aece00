"""InspectSession: a bundle for finding out what went wrong, without the session's secrets and within bounds."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError
from cloche.browser.contract.logs import ConsoleLogRequest, NetworkLogRequest
from cloche.browser.contract.state import Cookie, InspectSessionRequest, InspectSessionResponse, StorageEntry
from cloche.browser.contract.tabs import ListTabsRequest
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.logs.answers import console_log, diagnostics, network_log
from cloche.browser.observe import PageTexts, page_texts
from cloche.browser.redact.text import redact_named, redact_text
from cloche.browser.redact.urls import redact_url
from cloche.browser.state.cookies import all_cookies, cookie_of
from cloche.browser.state.origins import origin_of
from cloche.browser.tab import Tab
from cloche.browser.tabs import list_tabs
from cloche.browser.titles import clipped

COOKIE_BYTES: Final = 8 << 10
STORAGE_BYTES: Final = 16 << 10
MAX_BYTES: Final = 1 << 20
MAX_COOKIE_VALUE: Final = 512
MAX_STORAGE_VALUE: Final = 1024
_PATIENCE_S: Final = 1.0
"""A page that is busy or has crashed still has logs, cookies and tabs to show."""

T = TypeVar("T")


class _Items(msgspec.Struct):
    """CDP DOMStorage.getDOMStorageItems."""

    entries: list[tuple[str, str]] = []


async def inspect_session(call: Call, request: InspectSessionRequest) -> InspectSessionResponse:
    """The action log and the session's id are entered by who keeps them."""
    names = [name for name in request.__dataclass_fields__ if name.startswith("include_")]
    wanted = {name for name in names if getattr(request, name)} or set(names)
    tabs = (await list_tabs(call, ListTabsRequest())).tabs
    cookies, cookies_cut = await _cookies(call, request) if "include_cookies" in wanted else ([], False)
    storage, storage_cut = await _storage(call, request) if "include_storage" in wanted else ([], False)
    texts = await _texts(call, request) if "include_page_snapshot" in wanted else PageTexts()
    answer = InspectSessionResponse(
        tabs=[replace(tab, url=redact_url(tab.url), title=redact_text(tab.title)) for tab in tabs],
        page_url=redact_url(call.tab.url),
        cookies=cookies,
        cookies_truncated=cookies_cut,
        storage=storage,
        storage_truncated=storage_cut,
        dom_snapshot=texts.dom,
        dom_truncated=texts.dom_truncated,
        visible_text=texts.visible_text,
        visible_text_truncated=texts.visible_text_truncated,
    )
    return await _with_logs(call, request, answer, wanted)


async def _with_logs(
    call: Call, request: InspectSessionRequest, answer: InspectSessionResponse, wanted: set[str]
) -> InspectSessionResponse:
    if "include_network_log" in wanted:
        asked = NetworkLogRequest(
            limit=min(request.max_network_log_entries, 10_000), max_payload_bytes=request.max_network_log_bytes
        )
        network = await network_log(call, asked)
        answer = replace(answer, network_log=network.entries, network_log_truncated=network.truncated)
    if "include_console_log" in wanted:
        asked_too = ConsoleLogRequest(
            limit=min(request.max_console_log_entries, 10_000),
            max_payload_bytes=request.max_console_log_bytes,
            minimum_severity="debug",
        )
        console = await console_log(call, asked_too)
        answer = replace(answer, console_log=console.entries, console_log_truncated=console.truncated)
    if "include_page_diagnostics" in wanted:
        answer = replace(answer, page_diagnostics=diagnostics(call.tab))
    return answer


async def _cookies(call: Call, request: InspectSessionRequest) -> tuple[list[Cookie], bool]:
    found = [cookie_of(cookie, Cookie) for cookie in await all_cookies(call.browser)]
    shown = [replace(one, value=redact_named(one.name, one.value)[:MAX_COOKIE_VALUE]) for one in found]
    return _first_that_fit(shown, _bounded(request.max_cookie_bytes, COOKIE_BYTES))


async def _storage(call: Call, request: InspectSessionRequest) -> tuple[list[StorageEntry], bool]:
    """Of the origins that the tab shows: localStorage and sessionStorage."""
    entries: list[StorageEntry] = []
    for origin in sorted({origin_of(frame.url) for frame in call.tab.frames_in_order()} - {""}):
        for area in ("local", "session"):
            found = await _items(call.tab, origin, is_local=area == "local")
            entries += [
                StorageEntry(
                    origin=origin,
                    area=area,
                    name=redact_text(name[:MAX_STORAGE_VALUE]),
                    value=redact_named(name, value[: 4 * MAX_STORAGE_VALUE])[:MAX_STORAGE_VALUE],
                )
                for name, value in sorted(found)
            ]
    return _first_that_fit(entries, _bounded(request.max_storage_bytes, STORAGE_BYTES))


async def _items(tab: Tab, origin: str, *, is_local: bool) -> Iterable[tuple[str, str]]:
    """What DevTools tells without the page's help; nothing of a page that does not answer."""
    frame = next(frame for frame in tab.frames_in_order() if origin_of(frame.url) == origin)
    storage = {"storageId": {"securityOrigin": origin, "isLocalStorage": is_local}}
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    try:
        answer = await frame.session.call(
            "DOMStorage.getDOMStorageItems", storage, _Items, deadline=deadline, held_up=False
        )
    except DevToolsError:
        return ()
    return answer.entries


async def _texts(call: Call, request: InspectSessionRequest) -> PageTexts:
    """Without secrets in addresses and texts; of a page that cannot be read, nothing."""
    dom_bytes = _bounded(request.max_dom_snapshot_bytes, call.limits.snapshot_bytes)
    text_bytes = _bounded(request.max_visible_text_bytes, call.limits.text_bytes)
    try:
        texts = await page_texts(call, dom_bytes=dom_bytes, text_bytes=text_bytes)
    except ActionError:
        return PageTexts()
    dom, text = clipped(redact_text(texts.dom), dom_bytes), clipped(redact_text(texts.visible_text), text_bytes)
    return replace(texts, dom=dom, visible_text=text)


def _bounded(asked: int, default: int) -> int:
    return min(asked or default, MAX_BYTES)


def _first_that_fit(entries: Sequence[T], max_bytes: int) -> tuple[list[T], bool]:
    """Cut off at the end, by the size of the entries' JSON."""
    size = 0
    for number, entry in enumerate(entries):
        size += len(msgspec.json.encode(entry))
        if size > max_bytes:
            return list(entries[:number]), True
    return list(entries), False
