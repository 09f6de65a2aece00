"""The page that viewers are shown: one flattened session of its own, what it tells, and what it can be told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from cloche.browser.contract.actions import DialogInfo
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.page_events import ONLY_IFRAMES, Attached, Detached, DialogOpening, FrameNavigated, WithinDocument
from cloche.sessions.live.cdp_words import (
    MAX_DIALOG_CHARS,
    MAX_SAID_CHARS,
    BindingCalled,
    History,
    OfFrame,
    ScreencastFrame,
    Visibility,
)
from cloche.sessions.live.cursors import DEFAULT, cursor_of
from cloche.sessions.live.in_page import MAX_COPIED_BYTES, WORLD, read_said, script

MAX_FRAMES: Final = 64
"""Of other processes, that our script runs in."""
MAX_SAID: Final = 60
"""In a second, of all frames together; an honest page's script says a third of it. What is beyond is not read."""
HISTORY_AFTER_S: Final = 0.1
"""A page that changes its address without end has it looked at ten times a second."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """One that holds the page up until it is answered. Its texts are the page's."""

    type: str
    message: str
    default_text: str

    @classmethod
    def of(cls, info: DialogInfo) -> "Dialog":
        return cls(info.type, info.message[:MAX_DIALOG_CHARS], info.default_prompt[:MAX_DIALOG_CHARS])


class PageOwner(Protocol):
    """Who shows the page. Called on the loop, in order; must not block."""

    def page_told(self, page: "ShownPage") -> None:
        """Something of what it is has changed."""
        ...

    def page_went_to(self, page: "ShownPage", url: str) -> None: ...

    def picture(self, page: "ShownPage", frame: ScreencastFrame) -> None: ...

    def copied(self, page: "ShownPage", text: str) -> None:
        """A page can have this said at any time: it is news only where a viewer has just copied."""
        ...

    def page_hidden(self, page: "ShownPage") -> None:
        """Another tab is in front now."""
        ...

    def settled(self, page: "ShownPage") -> None:
        """It has a new document, or a new address: its title may be another."""
        ...


class ShownPage:
    """Owned by the view. `watch` begins to look closely; `leave` ends it."""

    def __init__(self, session: TargetSession, owner: PageOwner, binding: str, dialog: Dialog | None) -> None:
        self.session = session
        self.id = session.target_id
        self.dialog = dialog
        self.is_loading = False
        self.can_go_back = self.can_go_forward = False
        self.cursor = DEFAULT
        self.crashed = False
        self.is_left = False
        self._owner = owner
        self._binding = binding
        self._frames: dict[str, TargetSession] = {}
        self._editing: dict[tuple[str, int], None] = {}
        self._is_watched = False
        self._is_asking = False
        self._look: asyncio.TimerHandle | None = None
        self._said = 0
        self._said_since = 0.0

    @property
    def is_editing(self) -> bool:
        """Whether the focus is in a field that takes text."""
        return bool(self._editing)

    @property
    def session_ids(self) -> tuple[str, ...]:
        return (self.session.id, *self._frames)

    def begin(self) -> None:
        """Have it told what becomes of the page; nothing that the page or anybody else could notice."""
        self.session.notify("Page.enable")
        self._ask_soon()

    def watch(self) -> None:
        """Have our script tell of the pointer and the focus, also in frames of other processes."""
        if self._is_watched or self.is_left:
            return
        self._is_watched = True
        self._install(self.session)
        auto = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True, "filter": ONLY_IFRAMES}
        self.session.notify("Target.setAutoAttach", auto)

    def leave(self, *, is_held: bool = False) -> None:
        """Let go of it. A page that shows a dialog is held until that is answered: its dialog would go with us.

        `is_held`: it is held already, by a session of ours from before.
        """
        self.is_left = True
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self.dialog is None or is_held:
            self._detach()

    def command(self, method: str, params: Json | None = None) -> None:
        """Send what needs no answer, in order."""
        if not self.session.is_gone:
            self.session.notify(method, params)

    def ask(
        self, method: str, params: Json, kind: type[Any], then: Callable[[Any], None], *, page_held: bool = False
    ) -> None:
        """Call a method and hand the answer to `then`, if there is one and the page is still shown."""

        def answered(answer: "asyncio.Future[msgspec.Raw]") -> None:
            if answer.cancelled() or answer.exception() is not None or self.is_left:
                return
            try:
                then(read(answer.result(), kind))
            except AnswerMalformedError:
                self.session.connection.not_understood(method)

        if not self.session.is_gone:
            self.session.begin(method, params, held_up=page_held).add_done_callback(answered)

    # --- what it tells ----------------------------------------------------------------------------------------------

    def take(self, session_id: str, method: str, params: msgspec.Raw) -> None:
        """An event of the page or of one of its frames. Raises: AnswerMalformedError."""
        match method:
            case "Page.screencastFrame":
                self._owner.picture(self, read(params, ScreencastFrame))
            case "Runtime.bindingCalled":
                self._take_said(session_id, params)
            case "Page.frameNavigated" if session_id == self.session.id:
                self._navigated(read(params, FrameNavigated))
            case "Page.navigatedWithinDocument" if session_id == self.session.id:
                event = read(params, WithinDocument)
                if event.frameId == self.id:
                    self._owner.page_went_to(self, event.url)
                    self._ask_soon()
            case "Page.frameStartedLoading" | "Page.frameStoppedLoading":
                self._loading(read(params, OfFrame).frameId, is_so=method == "Page.frameStartedLoading")
            case "Page.javascriptDialogOpening":
                event_ = read(params, DialogOpening)
                texts = event_.message[:MAX_DIALOG_CHARS], event_.defaultPrompt[:MAX_DIALOG_CHARS]
                self._dialog_is(Dialog(event_.type, *texts))
            case "Page.javascriptDialogClosed":
                self._dialog_is(None)
            case "Page.screencastVisibilityChanged":
                if not read(params, Visibility).visible and not self.is_left:
                    self._owner.page_hidden(self)
            case "Inspector.targetCrashed" if session_id == self.session.id:
                self._crashed_is(is_so=True)
            case "Inspector.targetReloadedAfterCrash" if session_id == self.session.id:
                self._crashed_is(is_so=False)
            case "Target.attachedToTarget":
                self._frame_came(read(params, Attached))
            case "Target.detachedFromTarget":
                self._frame_went(read(params, Detached).sessionId)
            case _:
                return  # DevTools tells of more than anybody here asks about

    def gone(self) -> None:
        """The target is no more."""
        self.is_left = True
        if self._look is not None:
            self._look.cancel()
        for session in (*self._frames.values(), self.session):
            session.gone(crashed=self.crashed)

    def _navigated(self, event: FrameNavigated) -> None:
        if event.frame.id != self.id:
            return
        self._editing.clear()
        self.crashed = False
        self.cursor = DEFAULT
        self._owner.page_went_to(self, event.frame.url + event.frame.urlFragment)
        self._ask_soon()

    def _loading(self, frame_id: str, *, is_so: bool) -> None:
        if frame_id == self.id and self.is_loading != is_so:
            self.is_loading = is_so
            self._owner.page_told(self)
            if not is_so:
                self._ask_soon()

    def _dialog_is(self, dialog: Dialog | None) -> None:
        self.dialog = dialog
        if self.is_left:
            if dialog is None:
                self._detach()
            return
        self._owner.page_told(self)

    def _crashed_is(self, *, is_so: bool) -> None:
        self.crashed, self.dialog, self.is_loading = is_so, None, False
        self._editing.clear()
        if self.is_left:
            self._detach()
            return
        self._owner.page_told(self)

    def _detach(self) -> None:
        if not self.session.is_gone:
            detaching = self.session.connection.begin(
                "Target.detachFromTarget", {"sessionId": self.session.id}, held_up=False
            )
            detaching.add_done_callback(_look_away)
            self.session.is_gone = True

    def _ask_soon(self) -> None:
        """Look where one can go from here; not with every step of a page that goes on and on."""
        if self._look is None and not self.is_left:
            self._look = asyncio.get_running_loop().call_later(HISTORY_AFTER_S, self._ask_now)

    def _ask_now(self) -> None:
        self._look = None
        self._owner.settled(self)
        self.ask("Page.getNavigationHistory", {}, History, self._take_history)

    def _take_history(self, history: History) -> None:
        can = history.currentIndex > 0, history.currentIndex < len(history.entries) - 1
        if can != (self.can_go_back, self.can_go_forward):
            self.can_go_back, self.can_go_forward = can
            self._owner.page_told(self)

    # --- our script -------------------------------------------------------------------------------------------------

    def _install(self, session: TargetSession) -> None:
        # Without `Runtime.enable` a binding is only there in the worlds of the present document.
        session.notify("Runtime.enable")
        session.notify("Runtime.addBinding", {"name": self._binding, "executionContextName": WORLD})
        session.notify("Page.enable")
        source = {"source": script(self._binding), "worldName": WORLD, "runImmediately": True}
        session.notify("Page.addScriptToEvaluateOnNewDocument", source)

    def _frame_came(self, event: Attached) -> None:
        if event.targetInfo.type == "iframe" and len(self._frames) < MAX_FRAMES:
            frame = TargetSession(self.session.connection, event.sessionId, event.targetInfo.targetId)
            self._frames[frame.id] = frame
            self._install(frame)

    def _frame_went(self, session_id: str) -> None:
        frame = self._frames.pop(session_id, None)
        if frame is not None:
            frame.gone()
            self._editing = {key: None for key in self._editing if key[0] != session_id}
            self._owner.page_told(self)

    def _take_said(self, session_id: str, params: msgspec.Raw) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_since >= 1:
            self._said_since, self._said = now, 0
        self._said += 1
        if self._said > MAX_SAID or self.is_left or len(bytes(params)) > 2 * MAX_SAID_CHARS:
            return
        event = read(params, BindingCalled)
        said = read_said(event.payload) if event.name == self._binding else None
        if said is None:
            return
        if said.copied is not None and len(said.copied.encode("utf-8", "replace")) <= MAX_COPIED_BYTES:
            self._owner.copied(self, said.copied)
        before = (self.cursor, self.is_editing)
        if said.cursor:
            self.cursor = cursor_of(said.cursor)
        if said.editing is not None:
            self._note_editing((session_id, event.executionContextId), is_so=said.editing)
        if before != (self.cursor, self.is_editing):
            self._owner.page_told(self)

    def _note_editing(self, context: tuple[str, int], *, is_so: bool) -> None:
        self._editing.pop(context, None)
        if is_so:
            # Only one frame has the focus; one that lost it without a word is put right by whichever gets it.
            self._editing = {context: None}


def _look_away(future: "asyncio.Future[msgspec.Raw]") -> None:
    if not future.cancelled():
        future.exception()
