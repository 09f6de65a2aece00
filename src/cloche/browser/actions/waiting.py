"""Waiting for what a page comes to: an element's state, a text, an address, having loaded."""

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.actions import WaitForRequest, WaitForResponse
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.frame import Frame
from cloche.browser.locate import enter_frames, prepare, split_at_frames
from cloche.browser.selector import parse_selector
from cloche.browser.tab import Tab

ALONE_MS: Final = 250
"""How long the main document is asked to look by itself."""
PAUSE_S: Final = 0.05
LOOK_S: Final = 1.0
_EVENTS: Final = {"domcontentloaded": "DOMContentLoaded", "load": "load", "networkidle": "networkIdle"}
_GONE: Final = frozenset(
    {Failure.STALE_REF, Failure.SELECTOR_NOT_FOUND, Failure.NAVIGATED_AWAY, Failure.PAGE_UNRESPONSIVE, Failure.TIMEOUT}
)


class _Stand(msgspec.Struct):
    selector: bool = False
    text: bool = False


@dataclass(frozen=True, slots=True)
class _Met:
    selector: str = ""
    text: str = ""
    url: str = ""


async def wait_for(call: Call, request: WaitForRequest) -> WaitForResponse:
    """Wait until the first of what is asked for is so.

    Raises: ActionError (`timeout`, and what else stands in the way).
    """
    if not (request.selector or request.text or request.url or request.load_state):
        raise ActionError(Failure.INVALID_SELECTOR, "say what to wait for: a selector, text, url or load_state")
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = _Waiting(call, request)
    while True:
        met = await waiting.look()
        waited_ms = round((loop.time() - began) * 1000)
        if met is not None:
            return WaitForResponse(
                waited_ms=waited_ms, matched_selector=met.selector, matched_text=met.text, matched_url=met.url
            )
        if loop.time() >= call.deadline:
            raise ActionError(Failure.TIMEOUT, f"it did not come to that within {waited_ms} ms")


class _Waiting:
    def __init__(self, call: Call, request: WaitForRequest) -> None:
        self._tab: Tab = call.tab
        self._deadline = call.deadline
        self._request = request
        self._segments = split_at_frames(parse_selector(request.selector)) if request.selector else []
        self._gone_counts = request.state in ("hidden", "detached")

    async def look(self) -> _Met | None:
        """Look for a while; None when nothing was so yet."""
        if (met := self._look_outside()) is not None:
            return met
        if not (self._request.selector or self._request.text):
            await self._tab.until(lambda: self._look_outside() is not None, self._deadline)
            return self._look_outside()
        try:
            return self._met(await self._look_inside())
        except ActionError as error:
            if error.code not in _GONE:
                raise
            if self._gone_counts and error.code is Failure.STALE_REF:
                return self._met(_Stand(selector=True))
            await self._rest()
            return None

    def _look_outside(self) -> _Met | None:
        """What needs no page to be asked."""
        url, reached = self._tab.url, self._tab.main.reached
        if self._request.url and self._request.url in url:
            return _Met(url=url)
        if self._request.load_state and _EVENTS[self._request.load_state] in reached:
            return _Met(url=url)
        return None

    async def _look_inside(self) -> _Stand:
        """One turn through the frames. Something must be gone from all of them, or be in one."""
        if len(self._segments) > 1:
            return await self._look_in_named()
        alone = len(self._tab.frames) == 1
        frames = self._tab.frames_in_order()
        if self._segments and self._segments[0][0]["engine"] == "ref":
            frames = [self._tab.frame_of_document(str(self._segments[0][0]["ref"])[:4])]
        stands = [await self._ask(frames[0], ALONE_MS if alone else 0)]
        for frame in frames[1:]:
            try:
                stands.append(await self._ask(frame, 0))
            except ActionError as error:
                if error.code not in _GONE:
                    raise
        selector = all(s.selector for s in stands) if self._gone_counts else any(s.selector for s in stands)
        stand = _Stand(selector, any(s.text for s in stands))
        if not alone and self._met(stand) is None:
            await self._rest()
        return stand

    async def _look_in_named(self) -> _Stand:
        soon = min(self._deadline, asyncio.get_running_loop().time() + LOOK_S)
        try:
            frame = await enter_frames(self._tab, self._segments[:-1], soon)
        except ActionError as error:
            if self._gone_counts and error.code is Failure.SELECTOR_NOT_FOUND:
                return _Stand(selector=True)
            raise
        return await self._ask(frame, ALONE_MS)

    async def _ask(self, frame: Frame, patience_ms: int) -> _Stand:
        parts = self._segments[-1] if self._segments else None
        if parts:
            await prepare(frame, parts, self._deadline)
        match: Json = {"text": self._request.text, "exact": False, "ignore_case": True}
        args: Json = {
            "parts": parts,
            "state": self._request.state or "visible",
            "text_parts": [{"engine": "text", "match": match}] if self._request.text else None,
            "poll_ms": self._request.poll_interval_ms,
            "patience_ms": 0 if self._request.url or self._request.load_state else patience_ms,
        }
        deadline = self._deadline
        if frame is not self._tab.main:
            deadline = min(deadline, asyncio.get_running_loop().time() + LOOK_S)
        return msgspec.convert(await frame.run("await", args, deadline), _Stand)

    async def _rest(self) -> None:
        """Until the next turn; news of the tab ends it early."""
        pause_s = self._request.poll_interval_ms / 1000 or PAUSE_S
        left = self._deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(pause_s, left)))

    def _met(self, stand: _Stand) -> _Met | None:
        if self._request.selector and stand.selector:
            return _Met(selector=self._request.selector)
        if self._request.text and stand.text:
            return _Met(text=self._request.text)
        return self._look_outside()
