"""One frame of a page, and calls of the page script in the document that it shows."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.bounds import Id
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.errors import (
    AnswerMalformedError,
    AnswerTooLargeError,
    ConnectionGoneError,
    DevToolsError,
    HeldUpError,
    NoAnswerError,
    RefusedError,
    TargetGoneError,
)
from cloche.browser.devtools.session import TargetSession
from cloche.browser.page_script.load import LIBRARY

if TYPE_CHECKING:
    from cloche.browser.tab import Tab

WORLD: Final = "cloche"
SLACK_S: Final = 1.0
"""How much longer than its own deadline a function in the page may take to answer before the page counts as hung."""

_AGAIN_S: Final = 0.02


class _Remote(msgspec.Struct):
    type: str = ""
    subtype: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")
    unserializableValue: str = ""
    objectId: str = ""
    description: str = ""


class Evaluated(msgspec.Struct):
    """CDP Runtime.evaluate's result, its value still undecoded."""

    result: _Remote = msgspec.field(default_factory=_Remote)
    exceptionDetails: Json | None = None


class _Told(msgspec.Struct):
    """What `cloche.run` answers: one of the two."""

    value: Any = None
    error: tuple[Failure, str] | None = None


class _World(msgspec.Struct):
    executionContextId: int


@dataclass(eq=False, slots=True)
class Frame:
    """Owned by its tab, which keeps it up to date. `id` is DevTools' frame id, the same for as long as it exists."""

    tab: "Tab"
    id: str
    parent_id: str
    session: TargetSession
    url: str = ""
    loader_id: str = ""
    name: str = ""
    reached: set[str] = field(default_factory=set)
    """Lifecycle events of the current document: `DOMContentLoaded`, `load`, `networkIdle` …"""
    document: str = ""
    """The name of the document in refs; empty until the page script runs in it."""
    _context: int = 0

    def forget_document(self) -> None:
        """The frame shows another document, or its world has been taken away."""
        self._context = 0
        self.document = ""

    def is_in_context(self, context: int) -> bool:
        return self._context == context

    async def run(self, function: str, args: Json, deadline: float) -> Any:
        """Call a function of the page script; return its value.

        `args` gets `deadline_ms`, the time that is left. A document that goes away under the call is followed by the
        next one in this frame, but for calls with `document` in `args`: those are about that document only.

        Raises:
            ActionError: what the function says; `page_unresponsive`, `page_crashed`, `dialog_open`, `stale_ref` …
        """
        loop = asyncio.get_running_loop()
        pinned = str(args.get("document", ""))
        while True:
            self.tab.require_no_dialog()
            try:
                context = await self.world(deadline)
                if pinned and pinned != self.document:
                    raise ActionError(Failure.STALE_REF, "the page has gone on since the snapshot; take a new one")
                left = {**args, "deadline_ms": max(0, round((deadline - loop.time()) * 1000))}
                expression = (
                    f"cloche.run({msgspec.json.encode(function).decode()},{msgspec.json.encode(left).decode()})"
                )
                return await self._evaluate(expression, context, deadline)
            except (RefusedError, TargetGoneError) as error:
                if isinstance(error, TargetGoneError) and error.crashed:
                    raise ActionError(Failure.PAGE_CRASHED, "the page has crashed; reload it") from None
                self.forget_document()
                if loop.time() >= deadline or not self.tab.has(self):
                    raise ActionError(Failure.NAVIGATED_AWAY, "the page went away while it was worked on") from None
                await asyncio.sleep(_AGAIN_S)
            except DevToolsError as error:
                raise told(error) from None

    def forgo(self, function: str) -> None:
        """Call a function of the page script, if it is there, and wait for nothing."""
        if self._context and not self.tab.is_gone:
            params = {"expression": f"cloche.run({_js(function)},{{}})", "contextId": self._context}
            self.session.notify("Runtime.evaluate", params)

    async def _evaluate(self, expression: str, context: int, deadline: float) -> Any:
        params = {"expression": expression, "contextId": context, "awaitPromise": True, "returnByValue": True}
        answer = await self.session.call("Runtime.evaluate", params, Evaluated, deadline=deadline + SLACK_S)
        if answer.exceptionDetails is not None:
            # `cloche.run` lets nothing out: the world itself is broken, or was taken away.
            raise RefusedError("Runtime.evaluate", 0, "the page script could not be run")
        try:
            told_ = read(answer.result.value, _Told)
        except AnswerMalformedError:
            raise RefusedError("Runtime.evaluate", 0, "the page script answered something else") from None
        if told_.error is not None:
            raise ActionError(*told_.error)
        return told_.value

    async def world(self, deadline: float) -> int:
        """The execution context of the page script in the current document, made when it is not there yet."""
        if self._context:
            return self._context
        params = {"frameId": self.id, "worldName": WORLD, "grantUniveralAccess": False}  # Chromium's own spelling
        made = await self.session.call("Page.createIsolatedWorld", params, _World, deadline=deadline + SLACK_S)
        name = self.tab.memory.documents.next()
        # Two calls may make it at once; it is one world, and who comes second finds it made. An element of the page
        # with that id would be seen as `globalThis.cloche` too, but not as its own.
        is_there = "Object.hasOwn(globalThis, 'cloche')"
        expression = f"{is_there} ? cloche.document : ({LIBRARY}, cloche.document = {_js(name)})"
        params = {"expression": expression, "contextId": made.executionContextId, "returnByValue": True}
        answer = await self.session.call("Runtime.evaluate", params, Evaluated, deadline=deadline + SLACK_S)
        if answer.exceptionDetails is not None:
            raise ActionError(Failure.BROWSER_FAILED, "the page script could not be loaded")
        try:
            self.document = read(answer.result.value, Id)
        except AnswerMalformedError as error:
            raise told(error) from None
        self._context = made.executionContextId
        return self._context


def _js(value: object) -> str:
    """JSON is JavaScript (ECMA-262, since 2019)."""
    return msgspec.json.encode(value).decode()


def told(error: DevToolsError) -> ActionError:
    """What a failed call to DevTools is for who asked for an action."""
    match error:
        case HeldUpError():
            return ActionError(Failure.DIALOG_OPEN, "a dialog has opened on the page; answer it first")
        case NoAnswerError():
            return ActionError(Failure.PAGE_UNRESPONSIVE, "the page does not answer: its scripts may be busy")
        case AnswerTooLargeError():
            return ActionError(Failure.OUTPUT_TOO_LARGE, "the answer is larger than can be taken")
        case TargetGoneError(crashed=True):
            return ActionError(Failure.PAGE_CRASHED, "the page has crashed; reload it")
        case TargetGoneError():
            return ActionError(Failure.NAVIGATED_AWAY, "the page went away while it was worked on")
        case ConnectionGoneError():
            return ActionError(Failure.BROWSER_RESTARTED, "the browser went away; try again")
        case AnswerMalformedError():
            return ActionError(Failure.BROWSER_FAILED, "the browser's answer was not understood")
        case _:
            return ActionError(Failure.BROWSER_FAILED, "the browser refused")
