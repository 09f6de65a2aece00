"""From a selector to the frame and the element it means, and the call of the page script that goes there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import Box
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.documents import document_of
from cloche.browser.frame import Evaluated, Frame, told
from cloche.browser.observing.accessibility import is_kept
from cloche.browser.selector import Selector, parse_selector
from cloche.browser.tab import Tab

ALONE_MS: Final = 250
"""How long a page without frames is asked to look by itself; it may have got frames since."""
LOOK_S: Final = 1.0
"""How long another frame may take to say whether it has the element: one that hangs must not hold up the others."""
AT_ONCE: Final = 32
"""Frames that are asked at the same time."""
PAUSES_S: Final = (0.01, 0.03, 0.1)

_GONE: Final = frozenset({Failure.NAVIGATED_AWAY, Failure.STALE_REF, Failure.SELECTOR_NOT_FOUND})

T = TypeVar("T", bound="Answer")


class Answer(msgspec.Struct):
    """What every function of the page script that is about one element answers, besides its own."""

    document: str = ""
    matches: int = 0


class RefAnswer(Answer):
    ref: str = ""


class BoxAnswer(Answer):
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What the page script answered, and where. `answer.document` is the document it is about."""

    frame: Frame
    answer: T


class _Counted(msgspec.Struct):
    attached: int = 0
    visible: int = 0


class _Node(msgspec.Struct):
    frameId: str = ""


class _Described(msgspec.Struct):
    node: _Node


class _Owner(msgspec.Struct):
    backendNodeId: int


class _Object(msgspec.Struct):
    objectId: str = ""


class _Resolved(msgspec.Struct):
    object: _Object


async def on_element(
    tab: Tab, selector: str, function: str, args: Json, kind: type[T], *, strict: bool = False, deadline: float
) -> Found[T]:
    """Call a function of the page script on the element that a selector means, wherever it is; wait for the element.

    Without `frame=` in the selector the main frame is searched, and then the others, in order. A ref means an element
    of one document, and nothing in a later one.

    Raises:
        ActionError: `selector_not_found`, `invalid_selector`, `stale_ref` …, and what the function says.
    """
    tab.require_no_dialog()
    parsed = parse_selector(selector)
    segments = split_at_frames(parsed)
    args = {**args, "strict": strict}
    if len(segments) > 1:
        return await _in_named_frame(tab, segments, function, args, kind, deadline)
    if start := _pinned(tab, segments[0]):
        return await _run(start, function, {**args, "parts": segments[0], "document": start.document}, kind, deadline)
    return await _anywhere(tab, segments[0], function, args, kind, deadline)


async def element_box(call: Call, selector: str) -> Box:
    """Wait for an element to be visible; return its box in the page's viewport. Raises: ActionError."""
    found = await on_element(call.tab, selector, "box", {}, BoxAnswer, deadline=call.deadline)
    frame, at = found.frame, found.answer
    while frame is not call.tab.main:
        parent, ref = await owner_of(frame, call.deadline)
        box = {"x": at.x, "y": at.y, "width": at.width, "height": at.height}
        answer = await parent.run("boxOutOf", {"ref": ref, "document": ref[:4], "box": box}, call.deadline)
        frame, at = parent, msgspec.convert(answer, BoxAnswer)
    return Box(x=at.x, y=at.y, width=at.width, height=at.height)


def split_at_frames(selector: Selector) -> list[list[Json]]:
    """A selector's parts as the page script takes them; all lists but the last end in an iframe."""
    segments: list[list[Json]] = [[]]
    for part in selector.to_json():
        segments[-1].append(dict(part))
        if part["engine"] == "frame":
            segments.append([])
    if not segments[-1]:  # the iframe itself is meant
        segments.pop()
    return segments


async def enter_frames(tab: Tab, segments: Sequence[list[Json]], deadline: float) -> Frame:
    """The frame that a selector's leading segments lead into. Raises: ActionError."""
    frame = _pinned(tab, segments[0]) or tab.main
    for parts in segments:
        args: Json = {"parts": parts, "strict": False}
        if pinned := _pinned(tab, parts):
            args["document"] = pinned.document
        found = await _run(frame, "frameRef", args, RefAnswer, deadline)
        frame = await _frame_in(frame, found.answer.ref, deadline)
    return frame


async def frames_with(tab: Tab, parts: Sequence[Json], deadline: float) -> list[Frame]:
    """The frames but the main one that have something that fits, in order. Raises: ActionError (`invalid_selector`)."""
    others = tab.frames_in_order()[1:]
    having = []
    for start in range(0, len(others), AT_ONCE):
        frames = others[start : start + AT_ONCE]
        counts = await asyncio.gather(*(_count(frame, parts, deadline) for frame in frames))
        having += [frame for frame, count in zip(frames, counts, strict=True) if count.attached]
    return having


async def prepare(frame: Frame, parts: Sequence[Json], deadline: float) -> None:
    """Have Chromium keep the accessibility tree of a frame whose roles are asked for: else each costs a whole tree.

    Raises: ActionError.
    """
    if any(part["engine"] == "role" for part in parts):
        await is_kept(frame, deadline)


async def owner_of(frame: Frame, deadline: float) -> tuple[Frame, str]:
    """The parent of a frame, and the ref in it of the iframe that shows the frame. Raises: ActionError."""
    parent = frame.tab.frames.get(frame.parent_id)
    if parent is None:
        raise ActionError(Failure.NAVIGATED_AWAY, "the frame went away while it was worked on")
    known: dict[str, str] = frame.tab.notes.setdefault("owners", {})
    ref = known.get(frame.id, "")
    if not ref or document_of(ref) != parent.document:
        known[frame.id] = ref = await _owner_ref(parent, frame, deadline)
    return parent, ref


async def ref_of_node(frame: Frame, backend_node_id: int, deadline: float) -> str:
    """A ref for a node that DevTools named. Raises: DevToolsError, ActionError."""
    params: Json = {"backendNodeId": backend_node_id, "executionContextId": await frame.world(deadline)}
    resolved = await frame.session.call("DOM.resolveNode", params, _Resolved, deadline=deadline)
    params = {
        "objectId": resolved.object.objectId,
        "functionDeclaration": "function () { return cloche.refOf(this); }",
        "returnByValue": True,
    }
    answer = await frame.session.call("Runtime.callFunctionOn", params, Evaluated, deadline=deadline)
    frame.session.notify("Runtime.releaseObject", {"objectId": resolved.object.objectId})
    return msgspec.json.decode(answer.result.value, type=str)


def _pinned(tab: Tab, parts: Sequence[Json]) -> Frame | None:
    """The frame of the ref that a selector begins with. Raises: ActionError (`stale_ref`, `unknown_ref`)."""
    if parts[0]["engine"] != "ref":
        return None
    return tab.frame_of_document(document_of(str(parts[0]["ref"])))


async def _run(frame: Frame, function: str, args: Json, kind: type[T], deadline: float) -> Found[T]:
    await prepare(frame, args["parts"], deadline)
    return Found(frame, msgspec.convert(await frame.run(function, args, deadline), kind))


async def _anywhere(tab: Tab, parts: list[Json], function: str, args: Json, kind: type[T], deadline: float) -> Found[T]:
    loop = asyncio.get_running_loop()
    turn = 0
    while True:
        pause = PAUSES_S[min(turn, len(PAUSES_S) - 1)]
        asked = {**args, "parts": parts, "patience_ms": 0 if len(tab.frames) > 1 else ALONE_MS}
        try:
            return await _run(tab.main, function, asked, kind, deadline)
        except ActionError as error:
            if error.code is not Failure.SELECTOR_NOT_FOUND or loop.time() + pause >= deadline:
                raise
        for frame in await frames_with(tab, parts, deadline):
            try:
                return await _run(frame, function, {**asked, "patience_ms": 0}, kind, deadline)
            except ActionError as error:
                if error.code not in _GONE:
                    raise
        turn += 1
        await asyncio.sleep(pause)


async def _in_named_frame(
    tab: Tab, segments: list[list[Json]], function: str, args: Json, kind: type[T], deadline: float
) -> Found[T]:
    """Again while the frame changes under the call."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            frame = await enter_frames(tab, segments[:-1], deadline)
            return await _run(frame, function, {**args, "parts": segments[-1]}, kind, deadline)
        except ActionError as error:
            again = error.code is Failure.NAVIGATED_AWAY and not tab.is_gone
            if not again or loop.time() + PAUSES_S[-1] >= deadline:
                raise
        await asyncio.sleep(PAUSES_S[-1])


async def _count(frame: Frame, parts: Sequence[Json], deadline: float) -> _Counted:
    soon = min(deadline, asyncio.get_running_loop().time() + LOOK_S)
    try:
        await prepare(frame, parts, soon)
        return msgspec.convert(await frame.run("count", {"parts": parts}, soon), _Counted)
    except ActionError as error:
        if error.code in (Failure.INVALID_SELECTOR, Failure.DIALOG_OPEN, Failure.PAGE_CRASHED):
            raise
        return _Counted()


async def _frame_in(parent: Frame, ref: str, deadline: float) -> Frame:
    """The frame that an iframe shows, once it is there."""
    tab = parent.tab
    params: Json = {"expression": f"cloche.elementOf({ref!r})", "contextId": await parent.world(deadline)}
    try:
        answer = await parent.session.call("Runtime.evaluate", params, Evaluated, deadline=deadline)
        if not answer.result.objectId:
            raise ActionError(Failure.NAVIGATED_AWAY, "the frame went away while it was worked on")
        held: Json = {"objectId": answer.result.objectId}
        described = await parent.session.call("DOM.describeNode", held, _Described, deadline=deadline)
        parent.session.notify("Runtime.releaseObject", held)
    except DevToolsError as error:
        raise told(error) from None
    frame_id = described.node.frameId
    if not frame_id:
        raise ActionError(Failure.SELECTOR_NOT_FOUND, "the selector's frame is none")
    if not await tab.until(lambda: frame_id in tab.frames, deadline):
        raise ActionError(Failure.NAVIGATED_AWAY, "the frame did not come in time")
    return tab.frames[frame_id]


async def _owner_ref(parent: Frame, frame: Frame, deadline: float) -> str:
    try:
        owner = await parent.session.call("DOM.getFrameOwner", {"frameId": frame.id}, _Owner, deadline=deadline)
        return await ref_of_node(parent, owner.backendNodeId, deadline)
    except DevToolsError as error:
        raise told(error) from None
