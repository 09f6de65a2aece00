"""Which tab a live view shows while tabs come, go and hide faster than DevTools answers, over a DevTools that a test
drives."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from cloche.browser.contract.actions import DialogInfo
from cloche.sessions.live.cdp_words import ScreencastFrame
from cloche.sessions.live.page import Dialog, ShownPage
from cloche.sessions.live.tabs import MAX_KNOWN
from cloche.sessions.live.view import BrowserView, ViewOwner

Json = dict[str, Any]


class DevTools:
    """Answers what a live view asks. `hold` names methods whose answers wait for `let_go`."""

    def __init__(self, *tabs: str) -> None:
        self.tabs = [*tabs]
        self.visible = ""
        self.hold: set[str] = set()
        self.sessions: dict[str, str] = {}
        """Those that are attached, and to which tab."""
        self.heard: list[Json] = []
        self._held: list[Json] = []
        self._news = asyncio.Event()
        self._number = 0
        self._connection: ServerConnection | None = None

    async def serve(self, connection: ServerConnection) -> None:
        self._connection = connection
        async for message in connection:
            asked = json.loads(message)
            self.heard.append(asked)
            self._news.set()
            if asked["method"] in self.hold:
                self._held.append(asked)
            else:
                await self._answer(asked)

    async def let_go(self, *methods: str) -> None:
        """Answer what was held, in order, and hold it no longer."""
        self.hold -= set(methods)
        held, self._held = self._held, []
        for asked in held:
            if asked["method"] in methods:
                await self._answer(asked)
            else:
                self._held.append(asked)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self._news.wait()
                except TimeoutError:
                    continue

    def asked(self, method: str) -> list[Json]:
        return [one["params"] for one in self.heard if one["method"] == method]

    async def tell(self, method: str, params: Json, session: str = "") -> None:
        assert self._connection is not None
        where = {"sessionId": session} if session else {}
        await self._connection.send(json.dumps({"method": method, "params": params, **where}))

    async def open_tab(self, tab: str) -> None:
        self.tabs.append(tab)
        await self.tell("Target.targetCreated", {"targetInfo": self.info(tab)})

    async def close_tab(self, tab: str) -> None:
        self.tabs.remove(tab)
        await self.tell("Target.targetDestroyed", {"targetId": tab})

    def session_of(self, tab: str) -> str:
        return next(session for session, its in self.sessions.items() if its == tab)

    @staticmethod
    def info(tab: str) -> Json:
        return {"targetId": tab, "type": "page", "title": tab, "url": f"https://{tab}.test/"}

    async def _answer(self, asked: Json) -> None:
        assert self._connection is not None
        params, result, error = asked.get("params") or {}, {}, None
        match asked["method"]:
            case "Browser.getVersion":
                result = {"product": "Chrome/1"}
            case "Target.setDiscoverTargets":
                for tab in self.tabs:
                    await self.tell("Target.targetCreated", {"targetInfo": self.info(tab)})
            case "Target.attachToTarget":
                tab = params["targetId"]
                if tab in self.tabs:
                    self._number += 1
                    session = f"s{self._number}"
                    self.sessions[session] = tab
                    event = {"sessionId": session, "targetInfo": self.info(tab), "waitingForDebugger": False}
                    await self.tell("Target.attachedToTarget", event)
                    result = {"sessionId": session}
                else:
                    error = {"code": -32602, "message": "No target with given id found"}
            case "Target.detachFromTarget":
                session = params["sessionId"]
                if self.sessions.pop(session, None) is not None:
                    await self.tell("Target.detachedFromTarget", {"sessionId": session})
            case "Runtime.evaluate":
                is_visible = self.sessions.get(asked["sessionId"]) == self.visible
                result = {"result": {"type": "boolean", "value": is_visible}}
            case "Target.getTargetInfo":
                result = {"targetInfo": self.info(params["targetId"])}
            case _:
                pass
        answer: Json = {"id": asked["id"]} | ({"error": error} if error else {"result": result})
        if "sessionId" in asked:
            answer["sessionId"] = asked["sessionId"]
        await self._connection.send(json.dumps(answer))
        self._news.set()


class Owner(ViewOwner):
    def __init__(self, first: str) -> None:
        self.first = first
        self.dialogs: dict[str, Dialog] = {}

    def preferred_tab(self) -> str:
        return self.first

    def dialog_of(self, tab_id: str) -> Dialog | None:
        return self.dialogs.get(tab_id)

    def is_hidden(self, tab_id: str) -> bool:
        return False

    def is_silent(self, tab_id: str) -> bool:
        return False

    def flooded(self, tab_id: str) -> None: ...

    def tabs_changed(self) -> None: ...

    def page_leaving(self, page: ShownPage) -> None: ...

    def page_shown(self, page: ShownPage | None) -> None: ...

    def page_changed(self, page: ShownPage) -> None: ...

    def picture(self, page: ShownPage, frame: ScreencastFrame) -> None: ...

    def copied(self, text: str) -> None: ...


@asynccontextmanager
async def viewing(devtools: DevTools, owner: Owner) -> AsyncIterator[BrowserView]:
    async with serve(devtools.serve, "127.0.0.1", 0) as server:
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, next(iter(server.sockets)).getsockname())
        view = await BrowserView.open(sock, "/devtools/browser/x", owner)
        try:
            await devtools.until(lambda: shows(view, owner.first))
            yield view
        finally:
            await view.close()


def shows(view: BrowserView, tab: str) -> bool:
    return view.tabs.shown_id == tab and view.page is not None and view.page.id == tab


async def test_who_goes_on_to_another_tab_before_one_is_shown_leaves_no_session_behind() -> None:
    devtools = DevTools("a", "b", "c")
    async with viewing(devtools, Owner("a")) as view:
        devtools.hold = {"Target.attachToTarget"}
        for tab in ("b", "c", "b", "c"):
            view.choose(tab)
        await devtools.until(lambda: len(devtools.asked("Target.attachToTarget")) == 5)
        await devtools.let_go("Target.attachToTarget")
        await devtools.until(lambda: shows(view, "c") and len(devtools.sessions) == 1)
        assert set(devtools.sessions.values()) == {"c"}


async def hide(devtools: DevTools, view: BrowserView) -> None:
    """Another program has brought another tab to the front."""
    assert view.page is not None
    await devtools.tell("Page.screencastVisibilityChanged", {"visible": False}, view.page.session.id)


async def test_looking_for_the_tab_in_front_does_not_take_the_one_that_was_chosen_meanwhile() -> None:
    devtools = DevTools("a", "b", "c")
    async with viewing(devtools, Owner("a")) as view:
        devtools.visible = "b"
        devtools.hold = {"Runtime.evaluate"}
        await hide(devtools, view)
        await devtools.until(lambda: devtools.asked("Runtime.evaluate"))
        view.choose("c")
        await devtools.until(lambda: shows(view, "c"))
        await devtools.let_go("Runtime.evaluate")
        await devtools.until(lambda: view._looking is not None and view._looking.done())
        assert shows(view, "c")


async def test_the_session_of_a_look_is_not_taken_for_that_of_the_page() -> None:
    devtools = DevTools("a", "b")
    async with viewing(devtools, Owner("a")) as view:
        devtools.visible = "b"
        devtools.hold = {"Target.attachToTarget"}
        await hide(devtools, view)
        await devtools.until(lambda: len(devtools.asked("Target.attachToTarget")) == 2)
        view.choose("b")
        await devtools.until(lambda: len(devtools.asked("Target.attachToTarget")) == 3)
        await devtools.let_go("Target.attachToTarget")
        await devtools.until(lambda: devtools.asked("Target.detachFromTarget") and len(devtools.sessions) == 1)
        await devtools.until(lambda: shows(view, "b"))
        assert view.page is not None and [view.page.session.id] == [*devtools.sessions]


async def test_a_tab_that_closes_while_it_is_found_in_front_is_not_shown() -> None:
    devtools = DevTools("a", "b")
    async with viewing(devtools, Owner("a")) as view:
        devtools.visible = "b"
        devtools.hold = {"Runtime.evaluate"}
        await hide(devtools, view)
        await devtools.until(lambda: devtools.asked("Runtime.evaluate"))
        await devtools.close_tab("b")
        await devtools.until(lambda: "b" not in view.tabs)
        await devtools.let_go("Runtime.evaluate")
        await devtools.until(lambda: devtools.session_of("a") and len(devtools.sessions) == 1)
        await devtools.open_tab("z")
        await devtools.until(lambda: "z" in view.tabs)
        assert shows(view, "a")


async def test_going_to_and_fro_before_a_dialog_leaves_one_session_there() -> None:
    devtools, owner = DevTools("a", "b"), Owner("a")
    async with viewing(devtools, owner) as view:
        owner.dialogs["a"] = Dialog.of(DialogInfo(type="alert", message="hold on"))
        opening = {"url": "https://a.test/", "message": "hold on", "type": "alert", "hasBrowserHandler": False}
        await devtools.tell("Page.javascriptDialogOpening", opening, devtools.session_of("a"))
        await devtools.until(lambda: view.page is not None and view.page.dialog is not None)
        for tab in ("b", "a") * 5 + ("b",):
            view.choose(tab)
            await devtools.until(lambda tab=tab: shows(view, tab))
        await devtools.until(lambda: sorted(devtools.sessions.values()) == ["a", "b"])
        assert view.holds_dialog


async def test_tabs_beyond_what_is_counted_are_not_remembered() -> None:
    devtools = DevTools(*(f"t{number}" for number in range(MAX_KNOWN)))
    async with viewing(devtools, Owner("t0")) as view:
        await devtools.open_tab("more")
        last = DevTools.info(f"t{MAX_KNOWN - 1}") | {"title": "told"}
        await devtools.tell("Target.targetInfoChanged", {"targetInfo": last})
        await devtools.until(lambda: any(tab.title == "told" for tab in view.tabs.told(lambda _: False)))
        assert "more" not in view.tabs and "more" not in view._fresh
