"""One page of the browser: its frames, in whichever process, its dialog, and what is being told about it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cloche.browser.contract.actions import DialogInfo
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError, DevToolsError, HeldUpError, TargetGoneError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import Frame, told
from cloche.browser.frame_tree import ids_within, in_order
from cloche.browser.memory import Memory
from cloche.browser.page_events import (
    ONLY_IFRAMES,
    Attached,
    ContextDestroyed,
    Detached,
    DialogOpening,
    FrameAttached,
    FrameDetached,
    FrameFacts,
    FrameNavigated,
    FrameTree,
    FrameTreeAnswer,
    Lifecycle,
    TargetFacts,
    WithinDocument,
)

if TYPE_CHECKING:
    from cloche.browser.session_browser import Browser

DIALOG_KEPT_S: Final = 30.0
"""How long a dialog waits for an answer before it is dismissed: a page that waits for ever is of no use to anyone."""
MAX_FRAMES: Final = 1000
MAX_MILESTONES: Final = 64
HIDDEN: Final = "hidden"
"""In the notes of a tab: the daemon's own, for a moment, and nobody's to see."""
BEFORE_FRAMES: Final = "before_frames"
"""In the notes of a tab: calls to be made in processes of its frames before they run anything."""

OnEvent = Callable[[TargetSession, msgspec.Raw], None]


class Tab:
    """Owned by its `Browser`. `id` is DevTools' target id, and that of the main frame."""

    def __init__(self, browser: "Browser", session: TargetSession, facts: TargetFacts) -> None:
        self.browser = browser
        self.session = session
        self.id = facts.targetId
        self.opener_id = facts.openerId
        self.context_id = facts.browserContextId
        self.title = facts.title
        self.main = Frame(self, self.id, "", session, url=facts.url)
        self.frames: dict[str, Frame] = {self.id: self.main}
        self.dialog: DialogInfo | None = None
        self.crashed = False
        self.is_gone = False
        self.is_set_up = False
        """Whether the page has taken in what was switched on: before that, a move to another process is not told."""
        self.accessibility: set[str] = set()
        """The documents of which Chromium keeps the accessibility tree, by name."""
        self.notes: dict[str, Any] = {}
        """What a use case keeps with the page: the viewport that was set, say."""
        self._sessions: dict[str, TargetSession] = {}
        self._children: dict[str, str] = {}
        """Session ids of frames in other processes, and the frames' ids."""
        self._listeners: dict[str, list[OnEvent]] = defaultdict(list)
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dialog_timer: asyncio.TimerHandle | None = None
        self._dismissing = 0
        self._take_session(session)

    @property
    def memory(self) -> Memory:
        return self.browser.memory

    @property
    def url(self) -> str:
        """Of the page that is shown, with its fragment; unredacted."""
        return self.main.url

    @property
    def session_ids(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    def has(self, frame: Frame) -> bool:
        return not self.is_gone and self.frames.get(frame.id) is frame

    def frames_in_order(self) -> list[Frame]:
        """The main frame, then each frame's children in the order in which they came, depth first."""
        return in_order(self.main, self.frames)

    def frame_of_document(self, document: str) -> Frame:
        """The frame that shows the document of a ref. Raises: ActionError (`stale_ref`, `unknown_ref`)."""
        for frame in self.frames.values():
            if frame.document == document:
                return frame
        if self.memory.documents.was_given(document):
            raise ActionError(Failure.STALE_REF, "the page of this ref is no longer there; take a new snapshot")
        raise ActionError(Failure.UNKNOWN_REF, "no snapshot of this session has shown this ref")

    def require_no_dialog(self) -> None:
        """Raises: ActionError (`dialog_open`, `page_crashed`, `tab_not_found`)."""
        if self.is_gone:
            raise self.browser.why_gone()
        if self.crashed:
            raise ActionError(Failure.PAGE_CRASHED, "the page has crashed; reload it or go elsewhere")
        if self.dialog is not None:
            raise ActionError(Failure.DIALOG_OPEN, f"a dialog ({self.dialog.type}) is open; answer it first")

    # --- what is going on -------------------------------------------------------------------------------------------

    @contextmanager
    def listening(self, listeners: dict[str, OnEvent]) -> Iterator[None]:
        """Have events of this tab, from all its processes, handed to these as they come. They must not block."""
        for method, listener in listeners.items():
            self._listeners[method].append(listener)
        try:
            yield
        finally:
            for method, listener in listeners.items():
                self._listeners[method].remove(listener)

    async def until(self, is_so: Callable[[], bool], deadline: float) -> bool:
        """Wait until something has come to be so, looked at after every event; False when the deadline was first.

        Raises: ActionError when the tab is closed or its page crashes meanwhile.
        """
        try:
            async with asyncio.timeout_at(deadline):
                while not is_so():
                    if self.is_gone:
                        raise self.browser.why_gone()
                    if self.crashed:
                        raise ActionError(Failure.PAGE_CRASHED, "the page has crashed")
                    await asyncio.shield(self._news)
        except TimeoutError:
            return False
        return True

    @contextmanager
    def dismissing_dialogs(self) -> Iterator[None]:
        """Answer dialogs at once: leave a page (beforeunload), refuse anything else."""
        self._dismissing += 1
        if self.dialog is not None:
            self._dismiss()
        try:
            yield
        finally:
            self._dismissing -= 1

    async def answer_dialog(self, *, accept: bool, prompt_text: str, deadline: float) -> DialogInfo:
        """CDP Page.handleJavaScriptDialog. Raises: ActionError (`no_dialog`)."""
        dialog = self.dialog
        if dialog is None:
            raise ActionError(Failure.NO_DIALOG, "no dialog is open")
        params = {"accept": accept, "promptText": prompt_text}
        try:
            await self.session.call("Page.handleJavaScriptDialog", params, deadline=deadline, held_up=False)
        except DevToolsError as error:
            if self.dialog is dialog:
                raise told(error) from None
            raise ActionError(Failure.NO_DIALOG, "the dialog has been answered by somebody else") from None
        if self.dialog is dialog:
            self._dialog_closed()
        return dialog

    # --- kept up to date by DevTools --------------------------------------------------------------------------------

    def take(self, session: TargetSession, method: str, params: msgspec.Raw) -> None:
        """An event from one of the page's processes. Called by the browser, in order."""
        try:
            if (handler := _HANDLERS.get(method)) is not None:
                handler(self, session, params)
            for listener in tuple(self._listeners.get(method, ())):
                listener(session, params)
        except AnswerMalformedError:
            session.connection.not_understood(method)
        self.tell()

    def tell(self) -> None:
        """Wake who waits in `until`."""
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    def gone(self) -> None:
        self.is_gone = True
        if self._dialog_timer is not None:
            self._dialog_timer.cancel()
        for session in self._sessions.values():
            session.gone(crashed=self.crashed)
        self.tell()

    def _take_session(self, session: TargetSession) -> None:
        """Switch on, in the page's process or a frame's, what tells of it; nothing that anybody else could notice.

        A renderer that is busy answers late; nobody waits for these.
        """
        self._sessions[session.id] = session
        self.browser.know(session, self)
        for method, params in (*_SETUP, *self.notes.get(BEFORE_FRAMES, ())):
            session.notify(method, params)
        session.notify("Runtime.runIfWaitingForDebugger")
        self._ask_for_frames(session)

    def _ask_for_frames(self, session: TargetSession) -> None:
        tree = session.begin("Page.getFrameTree", held_up=False)
        tree.add_done_callback(lambda answer: self._take_tree(session, answer))

    def _take_tree(self, session: TargetSession, answer: "asyncio.Future[msgspec.Raw]") -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        self.is_set_up = self.is_set_up or session is self.session
        try:
            tree = read(answer.result(), FrameTreeAnswer).frameTree
        except AnswerMalformedError:
            return
        self._grow(session, tree, self.frames[tree.frame.id].parent_id if tree.frame.id in self.frames else "")
        self.tell()

    def _grow(self, session: TargetSession, tree: FrameTree, parent_id: str) -> None:
        stack = [(tree, parent_id)]
        while stack:
            node, parent = stack.pop()
            frame = self._frame(node.frame.id, parent, session)
            # A frame's own process knows it best; what the page's process says may be of a document before.
            if frame is not None and (session is not self.session or frame.loader_id in ("", node.frame.loaderId)):
                _describe(frame, node.frame)
            stack.extend((child, node.frame.id) for child in node.childFrames)

    def _frame(self, frame_id: str, parent_id: str, session: TargetSession) -> Frame | None:
        frame = self.frames.get(frame_id)
        if frame is None and len(self.frames) < MAX_FRAMES:
            frame = self.frames[frame_id] = Frame(self, frame_id, parent_id, session)
        return frame

    def _frame_attached(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, FrameAttached)
        if (frame := self._frame(event.frameId, event.parentFrameId, session)) is not None:
            frame.parent_id = event.parentFrameId

    def _frame_detached(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, FrameDetached)
        frame = self.frames.get(event.frameId)
        if frame is None or frame is self.main or event.reason == "swap" or frame.session is not session:
            return
        self._drop_below(frame)
        del self.frames[frame.id]

    def _drop_below(self, frame: Frame) -> None:
        """Forget the frames in it. Of those that Chromium keeps for going back it does not tell that they are gone."""
        for frame_id in ids_within(frame, self.frames):
            del self.frames[frame_id]

    def _frame_navigated(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, FrameNavigated)
        facts = event.frame
        frame = self._frame(facts.id, facts.parentId, session)
        if frame is None:
            return
        frame.session = session
        frame.forget_document()
        self._drop_below(frame)
        if event.type == "BackForwardCacheRestore":
            self._ask_for_frames(session)  # which come back with it, untold
        _describe(frame, facts)
        frame.reached = {"commit"}
        if frame is self.main:
            self.crashed = False

    def _within_document(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, WithinDocument)
        if (frame := self.frames.get(event.frameId)) is not None:
            frame.url = event.url

    def _lifecycle(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, Lifecycle)
        frame = self.frames.get(event.frameId)
        if frame is None:
            return
        # Of a document that was there before, what it has reached may be told before what it is.
        frame.loader_id = frame.loader_id or event.loaderId
        if event.loaderId == frame.loader_id and len(frame.reached) < MAX_MILESTONES:
            frame.reached.add(event.name)

    def _dialog_opening(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, DialogOpening)
        message, prompt, url = event.message[:4096], event.defaultPrompt[:4096], event.url[:2048]
        self.dialog = DialogInfo(type=event.type, message=message, default_prompt=prompt, url=url)
        if self._dismissing:
            self._dismiss()
            return
        loop = asyncio.get_running_loop()
        if self._dialog_timer is not None:
            self._dialog_timer.cancel()
        self._dialog_timer = loop.call_later(DIALOG_KEPT_S, self._dismiss)
        error = HeldUpError("a dialog has opened")
        self.session.connection.fail(self.session_ids, error, only_held_up=True)

    def _dismiss(self) -> None:
        if self.dialog is not None and not self.is_gone:
            leave = self.dialog.type == "beforeunload"
            self.session.notify("Page.handleJavaScriptDialog", {"accept": leave})

    def _dialog_closed(self, *_: object) -> None:
        self.dialog = None
        if self._dialog_timer is not None:
            self._dialog_timer.cancel()
            self._dialog_timer = None

    def _crashed(self, session: TargetSession, params: msgspec.Raw) -> None:
        if session is not self.session:
            return  # a frame's own process: the page stands, and Chromium tells of the frame's end
        self.crashed = True
        self._dialog_closed()
        error = TargetGoneError("the page has crashed", crashed=True)
        session.connection.fail(self.session_ids, error)
        for frame in self.frames.values():
            frame.forget_document()

    def _attached(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, Attached)
        if event.targetInfo.type != "iframe" or len(self._children) >= MAX_FRAMES:
            return
        child = TargetSession(session.connection, event.sessionId, event.targetInfo.targetId)
        frame = self._frame(child.target_id, "", child)
        if frame is not None:
            frame.session = child
            frame.forget_document()
        self._children[child.id] = child.target_id
        self._take_session(child)

    def _detached(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, Detached)
        child = self._sessions.pop(event.sessionId, None)
        if child is None or child is self.session:
            return
        self._children.pop(event.sessionId, None)
        self.browser.forget(child)
        child.gone()
        self.accessibility.discard(child.id)
        for frame in [f for f in self.frames.values() if f.session is child]:
            frame.forget_document()
            # Taken back into its parent's process, or gone with its own: its parent's process tells which.
            frame.session = self.session

    def _contexts_cleared(self, session: TargetSession, params: msgspec.Raw) -> None:
        for frame in self.frames.values():
            if frame.session is session:
                frame.forget_document()

    def _context_destroyed(self, session: TargetSession, params: msgspec.Raw) -> None:
        gone = read(params, ContextDestroyed).executionContextId
        for frame in self.frames.values():
            if frame.session is session and frame.is_in_context(gone):
                frame.forget_document()


def _describe(frame: Frame, facts: FrameFacts) -> None:
    frame.url = facts.url + facts.urlFragment
    frame.loader_id = facts.loaderId
    frame.name = facts.name
    frame.parent_id = facts.parentId or frame.parent_id


_SETUP: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("Page.enable", {}),
    ("Page.setLifecycleEventsEnabled", {"enabled": True}),
    ("Runtime.enable", {}),
    ("Network.enable", {"maxTotalBufferSize": 16 << 20, "maxResourceBufferSize": 4 << 20}),
    ("Log.enable", {}),
    (
        "Target.setAutoAttach",
        {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True, "filter": ONLY_IFRAMES},
    ),
)

_HANDLERS: Final[dict[str, Callable[[Tab, TargetSession, msgspec.Raw], None]]] = {
    "Page.frameAttached": Tab._frame_attached,
    "Page.frameDetached": Tab._frame_detached,
    "Page.frameNavigated": Tab._frame_navigated,
    "Page.navigatedWithinDocument": Tab._within_document,
    "Page.lifecycleEvent": Tab._lifecycle,
    "Page.javascriptDialogOpening": Tab._dialog_opening,
    "Page.javascriptDialogClosed": Tab._dialog_closed,
    "Inspector.targetCrashed": Tab._crashed,
    "Target.attachedToTarget": Tab._attached,
    "Target.detachedFromTarget": Tab._detached,
    "Runtime.executionContextsCleared": Tab._contexts_cleared,
    "Runtime.executionContextDestroyed": Tab._context_destroyed,
}
