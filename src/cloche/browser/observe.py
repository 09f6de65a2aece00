"""Looking at a page in words: snapshot, outline, visible text, title, selection."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final

import msgspec
from ulid import ULID

from cloche.browser.call import Call
from cloche.browser.contract.actions import CaptureSelectionRequest, CaptureSelectionResponse
from cloche.browser.contract.common import ActionError
from cloche.browser.contract.looking import GetTitleRequest, GetTitleResponse, ObserveRequest, ObserveResponse
from cloche.browser.devtools.codec import Json
from cloche.browser.frame import Frame
from cloche.browser.locate import RefAnswer, on_element
from cloche.browser.observing.frames import MAX_FRAMES, Reading, read_outline, read_snapshot, read_visible_text
from cloche.browser.observing.store import Snapshot, SnapshotStore, View, cursor_of
from cloche.browser.snapshot.diff import diff
from cloche.browser.snapshot.fence import fence, fence_of
from cloche.browser.snapshot.paging import MIN_BYTES, cut
from cloche.browser.snapshot.search import search
from cloche.browser.tab import Tab
from cloche.browser.titles import clipped, title_of

MAX_SELECTION_BYTES: Final = 32 << 10
_NONCE_DIGITS: Final = 16
"""Hexadecimal ones, of a fence's nonce."""

_VISIBLE_TEXT: Final = "visible text"
_OUTLINE: Final = "outline"

_Root = tuple[Frame, str]


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The page for a debug bundle: not fenced, as it is no agent that reads it."""

    dom: str = ""
    dom_truncated: bool = False
    visible_text: str = ""
    visible_text_truncated: bool = False


class _Selected(msgspec.Struct):
    text: str
    truncated: bool


async def observe(call: Call, request: ObserveRequest) -> ObserveResponse:
    """Raises: ActionError."""
    tab = call.tab
    nonce = secrets.token_hex(_NONCE_DIGITS // 2)
    if request.cursor:
        return _next_page(call, request, nonce)
    title = await title_of(tab, call.limits.title_bytes, call.deadline)
    root = await _root(call, request.root)
    tree = None
    only_texts = request.include_dom_snapshot or request.include_visible_text
    if request.include_accessibility_tree or request.search or request.diff_from or not only_texts:
        tree = await _tree(call, request, root, title, nonce)
    url = tab.url
    texts = await _texts(call, request, root, len(fence("", nonce, _VISIBLE_TEXT, url).encode()) + 1)
    return ObserveResponse(
        accessibility_tree=tree.accessibility_tree if tree else "",
        accessibility_tree_truncated=bool(tree and tree.accessibility_tree_truncated),
        dom_snapshot=fence(texts.dom, nonce, _OUTLINE, url) if request.include_dom_snapshot else "",
        dom_truncated=texts.dom_truncated,
        visible_text=fence(texts.visible_text, nonce, _VISIBLE_TEXT, url) if request.include_visible_text else "",
        visible_text_truncated=texts.visible_text_truncated,
        page_url=url,
        title=title,
        snapshot_id=tree.snapshot_id if tree else "",
        next_cursor=tree.next_cursor if tree else "",
        fence=fence_of(nonce),
        is_diff=bool(tree and tree.is_diff),
        element_count=tree.element_count if tree else 0,
        matched_count=tree.matched_count if tree else 0,
    )


async def get_title(call: Call, request: GetTitleRequest) -> GetTitleResponse:
    """Raises: ActionError."""
    most = _least(request.max_title_bytes, call.limits.title_bytes)
    call.tab.require_no_dialog()
    return GetTitleResponse(title=await title_of(call.tab, most, call.deadline), page_url=call.tab.url)


async def capture_selection(call: Call, request: CaptureSelectionRequest) -> CaptureSelectionResponse:
    """What is marked on the page, or the visible text of one element. Raises: ActionError."""
    most = _least(request.max_selection_bytes, MAX_SELECTION_BYTES)
    if request.selector:
        root = await _root(call, request.selector)
        reading = await read_visible_text(call.tab, root, most, call.deadline)
        text, truncated = _joined(reading, most)
    else:
        selected = await _selected(call.tab, most, call.deadline)
        text = clipped(selected.text, most)
        truncated = selected.truncated or text != selected.text
    return CaptureSelectionResponse(selector=request.selector, selected_text=text, truncated=truncated)


async def page_texts(call: Call, *, dom_bytes: int, text_bytes: int) -> PageTexts:
    """The outline and the visible text of the page, of at most so many bytes each; 0: not wanted.

    Raises: ActionError.
    """
    dom, dom_truncated, text, text_truncated = "", False, "", False
    if dom_bytes:
        dom, dom_truncated = _joined(await read_outline(call.tab, None, dom_bytes, call.deadline), dom_bytes)
    if text_bytes:
        reading = await read_visible_text(call.tab, None, text_bytes, call.deadline)
        text, text_truncated = _joined(reading, text_bytes)
    return PageTexts(dom, dom_truncated, text, text_truncated)


# --- the accessibility tree ------------------------------------------------------------------------------------------


async def _tree(call: Call, request: ObserveRequest, root: _Root | None, title: str, nonce: str) -> ObserveResponse:
    tab = call.tab
    store = _store_of(tab)
    before = store.get(request.diff_from) if request.diff_from else None
    options: Json = {"interactive_only": request.interactive_only, "bounding_boxes": request.bounding_boxes}
    reading = await read_snapshot(tab, root, options, call.deadline)
    lines = reading.lines
    if reading.truncated:
        why = "for more there was no time" if reading.truncated == "time" else "more are not kept"
        lines = [*lines, f"# the page goes on: {len(lines)} lines were read, {why}"]
    snapshot = Snapshot(f"snap_{ULID()}", tab.url, title, lines)
    view = View(lines)
    if before is not None:
        view = View(diff(before.lines, lines).lines, is_diff=True)
    if request.search:
        found = search(view.lines, request.search)
        view = View(found.lines, view.is_diff, found.matched)
    number = snapshot.add(view)
    store.add(snapshot)
    return _page(call, request, snapshot, number, 0, nonce)


def _next_page(call: Call, request: ObserveRequest, nonce: str) -> ObserveResponse:
    snapshot, view, start = _store_of(call.tab).at(request.cursor)
    return _page(call, request, snapshot, view, start, nonce)


def _page(
    call: Call, request: ObserveRequest, snapshot: Snapshot, number: int, start: int, nonce: str
) -> ObserveResponse:
    view = snapshot.views[number]
    label = "changes of the accessibility tree" if view.is_diff else "accessibility tree"
    most = _least(request.max_bytes or request.max_accessibility_tree_bytes, call.limits.snapshot_bytes)
    around = len(fence("", nonce, label, snapshot.url).encode()) + 1
    page = cut(view.lines, start, most - around)
    more = page.next_start
    return ObserveResponse(
        accessibility_tree=fence(page.text, nonce, label, snapshot.url),
        accessibility_tree_truncated=page.truncated,
        page_url=snapshot.url,
        title=snapshot.title,
        snapshot_id=snapshot.id,
        next_cursor="" if more is None else cursor_of(snapshot, number, more),
        fence=fence_of(nonce),
        is_diff=view.is_diff,
        element_count=len(snapshot.lines),
        matched_count=view.matched,
    )


def _store_of(tab: Tab) -> SnapshotStore:
    store = tab.notes.setdefault("snapshots", SnapshotStore())
    assert isinstance(store, SnapshotStore)
    return store


# --- texts -----------------------------------------------------------------------------------------------------------


async def _texts(call: Call, request: ObserveRequest, root: _Root | None, fence_bytes: int) -> PageTexts:
    dom, dom_truncated, text, text_truncated = "", False, "", False
    if request.include_dom_snapshot:
        most = max(_least(request.max_dom_snapshot_bytes, call.limits.snapshot_bytes) - fence_bytes, MIN_BYTES)
        dom, dom_truncated = _joined(await read_outline(call.tab, root, most, call.deadline), most)
    if request.include_visible_text:
        most = max(_least(request.max_visible_text_bytes, call.limits.text_bytes) - fence_bytes, MIN_BYTES)
        text, text_truncated = _joined(await read_visible_text(call.tab, root, most, call.deadline), most)
    return PageTexts(dom, dom_truncated, text, text_truncated)


async def _root(call: Call, selector: str) -> _Root | None:
    if not selector:
        return None
    found = await on_element(call.tab, selector, "frameRef", {}, RefAnswer, deadline=call.deadline)
    return found.frame, found.answer.ref


async def _selected(tab: Tab, max_chars: int, deadline: float) -> _Selected:
    """The selection of the first frame that has one."""
    frames = tab.frames_in_order()[:MAX_FRAMES]
    until = min(deadline, asyncio.get_running_loop().time() + 1.0)
    first = await tab.main.run("selectedText", {"max_chars": max_chars}, deadline)
    for answer in (first, *await asyncio.gather(*(_selected_in(frame, max_chars, until) for frame in frames[1:]))):
        if (selected := msgspec.convert(answer, _Selected)).text:
            return selected
    return _Selected("", truncated=False)


async def _selected_in(frame: Frame, max_chars: int, until: float) -> object:
    try:
        return await frame.run("selectedText", {"max_chars": max_chars}, until)
    except ActionError:
        # A frame that does not answer has no selection to tell; the page itself was asked before.
        return {"text": "", "truncated": False}


def _joined(reading: Reading, max_bytes: int) -> tuple[str, bool]:
    whole = "\n".join(reading.lines)
    text = clipped(whole, max_bytes)
    return text, bool(reading.truncated) or len(text) < len(whole)


def _least(asked: int, limit: int) -> int:
    return min(asked or limit, limit)
