"""Takes what Chromium forgets at its end out of a running browser (`capture`), and puts it into the next (`restore`).

sessionStorage belongs to a tab and an origin, and the scripts of a page expect it from their first line on. So it is
put back by a script that DevTools runs in each new document before them, in a world of its own, until the tab's first
page has loaded: each origin finds there what was its own, and what a page has set by then stays.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from cloche.browser.contexts import own_tabs
from cloche.browser.contract.common import ActionError
from cloche.browser.devtools.bounds import Id
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError, DevToolsError
from cloche.browser.frame import Evaluated, Frame, told
from cloche.browser.launch import WELCOME_URL
from cloche.browser.navigation.destination import BLANK, check_destination
from cloche.browser.page_events import ONLY_IFRAMES, TargetsAnswer
from cloche.browser.session_browser import Browser
from cloche.browser.state.kept_cookies import put_session_cookies, session_cookies
from cloche.browser.state.kept_state import (
    MAX_ALL_ENTRIES,
    MAX_ENTRIES,
    MAX_ORIGINS,
    MAX_STORAGE_BYTES,
    MAX_TABS,
    KeptState,
    KeptStorage,
    KeptTab,
    entry_bytes,
)
from cloche.browser.state.origins import origin_of
from cloche.browser.state.permissions import reapply
from cloche.browser.tab import BEFORE_FRAMES, Tab
from cloche.browser.tabs import open_blank
from cloche.concurrency.tasks import spawn, together

PATIENCE_S: Final = 1.0
"""How long one page may take to tell what it holds."""
ASKED_AT_ONCE: Final = 2
"""Tabs: each may answer with as much as is kept of all."""
NOWHERE_S: Final = 0.25
"""How long a tab may be at no address at all before it counts as one that has none. Chromium has each new tab that is
sent somewhere so for some 10 ms, between the process that it was made with and the one of its page."""
ARRIVED_WITHIN_S: Final = 0.5
"""How long what is brought back waits for its pages to answer: a page's address is its tab's only then."""
SETTLED_WITHIN_S: Final = 30.0
"""When a tab's first page has had its time to load."""
WORLD: Final = "cloche-kept"
_BLANK: Final = frozenset({"", BLANK, WELCOME_URL, "chrome://newtab/", "chrome://new-tab-page/"})

_READ: Final = """(most, mostEntries) => {
  const entries = [];
  let storage;
  try { storage = sessionStorage; } catch { storage = {length: 0}; }
  for (let index = 0; index < storage.length && entries.length < mostEntries; index++) {
    const name = storage.key(index), value = storage.getItem(name);
    if (!name.isWellFormed() || !value.isWellFormed()) continue;
    most -= JSON.stringify(name).length + JSON.stringify(value).length;
    if (most < 0) break;
    entries.push([name, value]);
  }
  return {origin, x: Math.max(0, scrollX), y: Math.max(0, scrollY), entries};
}"""
_WRITE: Final = """((kept, page, x, y) => {
  try {
    for (const [name, value] of kept.find(([its]) => its === origin)?.[1] ?? [])
      if (sessionStorage.getItem(name) === null) sessionStorage.setItem(name, value);
  } catch {}
  if (window !== parent || !(x || y) || location.href.split('#')[0] !== page) return;
  addEventListener('load', () => {
    if (history.scrollRestoration === 'manual') return;
    const end = () => { growth.disconnect(); for (const name of touches) removeEventListener(name, end, true); };
    const go = () => {
      scrollTo({left: x, top: y, behavior: 'instant'});
      if (Math.abs(scrollX - x) < 2 && Math.abs(scrollY - y) < 2) end();
    };
    const touches = ['wheel', 'keydown', 'pointerdown', 'touchstart'];
    const growth = new ResizeObserver(go);
    for (const name of touches) addEventListener(name, end, {capture: true, passive: true});
    growth.observe(document.documentElement);
    setTimeout(end, 5000);
    go();
  }, {once: true});
})"""
"""A page that is not long enough yet may still grow; whoever scrolls meanwhile knows better."""


class _Held(msgspec.Struct):
    origin: str = ""
    x: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    y: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    entries: tuple[tuple[str, str], ...] = ()


class _Script(msgspec.Struct):
    identifier: Id


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` has put back."""

    cookies: int
    permissions: int
    tabs: int
    """That are on their way; whether their pages load is for them to show."""
    all_there: asyncio.Event
    """Set once those after the tab in front are there and on their way too, or will not be."""
    rest: asyncio.Task[None]
    """Opens what comes after the tab in front, and tidies up once pages have loaded. It ends by itself, also with the
    browser; its owner cancels it (`cancel_and_wait`) when the session ends before."""


# --- out of a browser ---------------------------------------------------------------------------------------------


async def capture(browser: Browser, deadline: float) -> KeptState:
    """Deadline: the loop's clock. A page that does not answer in time is kept without storage and scroll position.

    Raises: ActionError when the browser itself does not answer.
    """
    cookies = await session_cookies(browser, deadline)
    urls = await _urls(browser, deadline)
    tabs = list(urls)
    places, left = asyncio.Semaphore(ASKED_AT_ONCE), _Left()

    async def one(tab: Tab) -> KeptTab:
        async with places:
            return await _capture_tab(tab, urls[tab], left, deadline)

    kept = await together(*(one(tab) for tab in tabs))
    front = None
    with contextlib.suppress(ActionError):  # no tab is open
        front = browser.active_tab()
    return KeptState(
        cookies=cookies,
        permissions=dict(browser.memory.permissions),  # type: ignore[arg-type]  # `permissions` lets no others in
        tabs=tuple(kept),
        active=tabs.index(front) if front in tabs else 0,
    )


async def _urls(browser: Browser, deadline: float) -> dict[Tab, str]:
    """The tabs that can be opened again, in order, and the address of each.

    That of its page; of a tab that has none yet, or shows that its page could not be reached, the one that a person
    would read above it: a target's address is what its window shows (Chromium's `WebContents::GetVisibleURL`).
    """
    give_up_at = min(deadline, asyncio.get_running_loop().time() + NOWHERE_S)
    while True:
        tabs, shown = await own_tabs(browser), await _shown(browser, deadline)
        is_nowhere = any(shown.get(tab.id) == "" and not _is_web(tab.url) for tab in tabs)
        if not is_nowhere or asyncio.get_running_loop().time() > give_up_at:
            break
        await asyncio.sleep(0.005)
    urls = ((tab, tab.url if _is_web(tab.url) else shown.get(tab.id, "")) for tab in tabs)
    return dict(islice(((tab, url) for tab, url in urls if _is_web(url)), MAX_TABS))


async def _shown(browser: Browser, deadline: float) -> dict[str, str]:
    """By a target's id the address that its window shows. Raises: ActionError."""
    answer = await browser.call("Target.getTargets", {}, TargetsAnswer, deadline=deadline)
    return {facts.targetId: facts.url for facts in answer.targetInfos}


class _Left:
    """How much may still be kept of all tabs together."""

    def __init__(self) -> None:
        self.bytes = MAX_STORAGE_BYTES
        self.entries = MAX_ALL_ENTRIES

    def fitting(self, entries: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Of one origin. The script that has read them may be counted on as far as its renderer."""
        fit = []
        for name, value in entries[: min(MAX_ENTRIES, self.entries)]:
            size = entry_bytes(name, value)
            if size <= self.bytes:
                self.bytes -= size
                fit.append((name, value))
        self.entries -= len(fit)
        return tuple(fit)


async def _capture_tab(tab: Tab, url: str, left: _Left, deadline: float) -> KeptTab:
    deadline = min(deadline, asyncio.get_running_loop().time() + PATIENCE_S)
    x, y = 0.0, 0.0
    kept: dict[str, KeptStorage] = {}
    if not tab.crashed and tab.dialog is None:
        for frame in tab.frames_in_order():
            origin = origin_of(frame.url)
            if not origin or origin in kept or len(kept) >= MAX_ORIGINS:
                continue
            held = await _held(frame, left.bytes, deadline)
            if frame is tab.main:
                x, y = held.x, held.y
            if held.origin == origin and (entries := left.fitting(held.entries)):
                kept[origin] = KeptStorage(origin=origin, entries=entries)
    return KeptTab(url=url, scroll_x=x, scroll_y=y, storage=tuple(kept.values()))


async def _held(frame: Frame, most: int, deadline: float) -> _Held:
    """What a frame holds; nothing where it does not say."""
    try:
        async with asyncio.timeout_at(deadline):
            context = await frame.world(deadline)
            params = {"expression": f"({_READ})({most},{MAX_ENTRIES})", "contextId": context, "returnByValue": True}
            answer = await frame.session.call("Runtime.evaluate", params, Evaluated, deadline=deadline)
        return read(answer.result.value, _Held)
    except (TimeoutError, ActionError, DevToolsError, AnswerMalformedError):
        return _Held()


def _is_web(url: str) -> bool:
    if not origin_of(url):
        return False
    try:
        return check_destination(url) == url
    except ActionError:
        return False


# --- into the next ------------------------------------------------------------------------------------------------


async def restore(browser: Browser, state: KeptState, deadline: float) -> Restored:
    """Into a browser that was just started, before its clients come. The first tab takes the place of a blank one.

    Tabs up to the one in front are there and on their way when this returns; no page is waited for.
    Raises: ActionError when the browser itself does not answer.
    """
    cookies = await put_session_cookies(browser, state.cookies, deadline)
    for name, setting in state.permissions.items():
        browser.memory.permissions[name] = setting
    await reapply(browser)
    own = await own_tabs(browser)
    blank = next((tab for tab in own if tab.url in _BLANK), None)
    most = max(0, browser.limits.tabs - len(own) + (blank is not None))
    tabs = [(number, tab) for number, tab in enumerate(state.tabs) if _is_web(tab.url)][:most]
    until_front = sum(number <= state.active for number, _ in tabs) or min(1, len(tabs))
    opened: list[_Opened] = []
    for _, kept in tabs[:until_front]:
        opened.append(await _open(browser, kept, blank if not opened else None, deadline))
    if opened and len(opened) > 1:
        await _put_in_front(browser, opened[-1].tab, deadline)
    elif opened:
        browser.set_active(opened[0].tab)
    later = [kept for _, kept in tabs[until_front:]]
    all_there = asyncio.Event()
    rest = spawn(_finish(browser, opened, later, all_there), name="restore-tabs")
    return Restored(cookies=cookies, permissions=len(state.permissions), tabs=len(tabs), all_there=all_there, rest=rest)


@dataclass(slots=True)
class _Opened:
    tab: Tab
    script: str
    """Of DevTools; empty where there is none, or none any more."""


async def _open(browser: Browser, kept: KeptTab, blank: Tab | None, deadline: float) -> _Opened:
    """Send a tab on its way. Raises: ActionError."""
    tab = blank or await open_blank(browser, deadline, background=True)
    await tab.until(lambda: tab.is_set_up, deadline)
    script = ""
    try:
        if kept.storage or kept.scroll_x or kept.scroll_y:
            params = {"source": _source(kept), "worldName": WORLD}
            method = "Page.addScriptToEvaluateOnNewDocument"
            script = (await tab.session.call(method, params, _Script, deadline=deadline)).identifier
            own = origin_of(kept.url)
            if any(one.origin != own for one in kept.storage):
                # Frames of other sites run in processes of their own, which wait until they have been told as well.
                tab.notes[BEFORE_FRAMES] = ((method, params), _attaching(waits=True))
                tab.session.notify(*_attaching(waits=True))
    except DevToolsError as error:
        raise told(error) from None
    tab.session.notify("Page.navigate", {"url": kept.url})
    return _Opened(tab, script)


def _attaching(*, waits: bool) -> tuple[str, dict[str, Any]]:
    params = {"autoAttach": True, "waitForDebuggerOnStart": waits, "flatten": True, "filter": ONLY_IFRAMES}
    return "Target.setAutoAttach", params


def _source(kept: KeptTab) -> str:
    storage = [(one.origin, one.entries) for one in kept.storage]
    arguments: tuple[Any, ...] = (storage, kept.url.partition("#")[0], kept.scroll_x, kept.scroll_y)
    return f"{_WRITE}(...{msgspec.json.encode(arguments).decode()})"  # JSON is JavaScript (ECMA-262, since 2019)


async def _put_in_front(browser: Browser, tab: Tab, deadline: float) -> None:
    await browser.call("Target.activateTarget", {"targetId": tab.id}, deadline=deadline)
    browser.set_active(tab)


async def _finish(browser: Browser, opened: list[_Opened], later: Sequence[KeptTab], all_there: asyncio.Event) -> None:
    deadline = asyncio.get_running_loop().time() + SETTLED_WITHIN_S
    browser.tabs_to_come += len(later)
    to_come = len(later)
    try:
        for kept in later:
            with contextlib.suppress(ActionError):  # the others may go well
                opened.append(await _open(browser, kept, None, deadline))
            browser.tabs_to_come -= 1
            to_come -= 1
        await _on_their_way(browser, [one.tab for one in opened])
        all_there.set()
        await together(*(_settle(one, deadline) for one in opened))
    finally:
        all_there.set()
        browser.tabs_to_come -= to_come
        for one in opened:
            _tidy(one)


async def _on_their_way(browser: Browser, tabs: Sequence[Tab]) -> None:
    """Until then a tab is as blank to everybody else, and to a snapshot, as one that nobody has sent anywhere.

    Whoever comes finds pages where they were, then, but for those that let one wait.
    """
    arrived_by = asyncio.get_running_loop().time() + ARRIVED_WITHIN_S
    await together(*(_arrived(tab, arrived_by) for tab in tabs))
    give_up_at = asyncio.get_running_loop().time() + PATIENCE_S
    with contextlib.suppress(ActionError, TimeoutError):
        async with asyncio.timeout_at(give_up_at):
            while True:
                shown = await _shown(browser, give_up_at)
                if all(shown.get(tab.id) not in _BLANK for tab in tabs):
                    return
                await asyncio.sleep(0.005)


async def _arrived(tab: Tab, deadline: float) -> None:
    with contextlib.suppress(ActionError):  # closed, or its page has crashed
        await tab.until(lambda: tab.url not in _BLANK, deadline)


async def _settle(opened: _Opened, deadline: float) -> None:
    with contextlib.suppress(ActionError):  # closed, or its page has crashed: nothing to wait for
        await opened.tab.until(lambda: _has_loaded(opened.tab), deadline)
    _tidy(opened)


def _has_loaded(tab: Tab) -> bool:
    return "load" in tab.main.reached and tab.url not in _BLANK


def _tidy(opened: _Opened) -> None:
    """What was kept is a page's once; the next one that comes to this tab does without."""
    tab = opened.tab
    if tab.notes.pop(BEFORE_FRAMES, None) is not None:
        tab.session.notify(*_attaching(waits=False))
    script, opened.script = opened.script, ""
    if script and not tab.is_gone:
        tab.session.notify("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})
