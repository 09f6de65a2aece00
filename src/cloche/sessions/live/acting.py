"""The hands of whoever has control, on the page that is shown: in order, and never waiting for Chromium's answers."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from cloche.browser.key_table import CHARACTERS, NAMES
from cloche.live.input.clipboard import lets
from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.hands import Hands
from cloche.live.input.queue import StepQueue
from cloche.live.messages import InputMessage
from cloche.live.model import ClipboardPolicy
from cloche.sessions.live.page import ShownPage

VIRTUAL_KEYS: Final = {key.code: key.virtual_key for key in (*NAMES.values(), *CHARACTERS.values()) if key.code}
MAX_PACED: Final = 2
"""Moves and turns of the wheel without an answer. Chromium answers with the next frame, so more would only pile up."""
MAX_UNANSWERED: Final = 256
"""Of all kinds: a page that hangs answers nothing."""
_PACED: Final = (Role.MOVE, Role.WHEEL)


class ActingHands:
    """Of one viewer on one page. Made when it first does something there, and let go of when either changes."""

    def __init__(
        self,
        page: ShownPage,
        policy: ClipboardPolicy,
        *,
        on_copy: Callable[[], None],
        on_refused: Callable[[], None],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        """`on_copy`: what the page copies next is for this viewer. `on_refused`: the policy keeps the clipboard.

        `may_act`: whether the page is still one that may be acted on, as it was when the viewer did something there: a
        page can keep what is typed waiting and then lead elsewhere.
        """
        self.page = page
        self._policy = policy
        self._on_copy = on_copy
        self._on_refused = on_refused
        self._may_act = may_act
        self._left_out: set[int] = set()
        """Presses that were not sent, and so are not to be lifted."""
        self._hands = Hands(VIRTUAL_KEYS)
        self._queue = StepQueue()
        self._unanswered = self._paced = 0
        self._is_urgent = False
        """Whether something waits that is no mere move."""
        self._is_gone = False

    @property
    def holds(self) -> bool:
        return self._hands.holds

    def take(self, message: InputMessage, now_s: float, width: float, height: float) -> None:
        """`width` and `height` of the page's viewport, in CSS pixels."""
        self._put(self._hands.translate(message, now_s, width, height))

    def release(self) -> None:
        """Let go of everything, and send what waits whatever has not been answered: it is bounded."""
        if self._is_gone:
            return
        self._is_gone = True
        self._put(self._hands.release_all())
        while (step := self._queue.take()) is not None:
            self._send(step)

    def _put(self, steps: list[Step]) -> None:
        for step in steps:
            if not lets(self._policy, step):
                self._on_refused()
                continue
            self._queue.put([step])
            if not isinstance(step, Command) or step.role not in _PACED:
                self._is_urgent = True
        self._pump()

    def _pump(self) -> None:
        while self._unanswered < MAX_UNANSWERED and (self._is_urgent or self._paced < MAX_PACED):
            step = self._queue.take()
            if step is None:
                self._is_urgent = False
                return
            self._send(step)

    def _is_to_be_done(self, step: Step) -> bool:
        if isinstance(step, Command) and step.role is Role.END:
            is_pressed = step.unit not in self._left_out
            self._left_out.discard(step.unit)
            return is_pressed
        if self._may_act():
            return True
        if isinstance(step, Command) and step.role is Role.BEGIN:
            self._left_out.add(step.unit)
        return False

    def _send(self, step: Step) -> None:
        if not self._is_to_be_done(step):
            return
        if isinstance(step, TellSelection):
            self._on_copy()
            return
        if self.page.session.is_gone:
            return
        is_paced = step.role in _PACED
        self._unanswered += 1
        self._paced += is_paced

        def answered(answer: "asyncio.Future[msgspec.Raw]") -> None:
            if not answer.cancelled():
                answer.exception()  # the page has gone, say: no fault of the viewer's
            self._unanswered -= 1
            self._paced -= is_paced
            if not self._is_gone:
                self._pump()

        self.page.session.begin(step.method, dict(step.params), held_up=False).add_done_callback(answered)
