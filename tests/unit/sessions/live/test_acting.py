import asyncio
from typing import Any, cast

import msgspec

from cloche.live.messages import (
    Copy,
    InputMessage,
    Insert,
    KeyDown,
    KeyUp,
    MouseDown,
    MouseMove,
    MouseUp,
    Paste,
    Wheel,
)
from cloche.live.model import ClipboardPolicy
from cloche.sessions.live.acting import MAX_UNANSWERED, VIRTUAL_KEYS, ActingHands
from cloche.sessions.live.page import ShownPage


class Session:
    """Answers what it is told to answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.answers: list[asyncio.Future[msgspec.Raw]] = []
        self.is_gone = False

    def begin(self, method: str, params: Any, *, held_up: bool) -> "asyncio.Future[msgspec.Raw]":
        self.sent.append((params.get("type", method), params))
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]

    async def answer(self, error: Exception | None = None) -> None:
        """Answer all there is."""
        answers, self.answers = self.answers, []
        for one in answers:
            if error is None:
                one.set_result(msgspec.Raw(b"{}"))
            else:
                one.set_exception(error)
        await asyncio.sleep(0)

    @property
    def types(self) -> list[str]:
        return [type_ for type_, _ in self.sent]


class Page:
    def __init__(self) -> None:
        self.session = Session()


class Bench:
    def __init__(self, policy: ClipboardPolicy = ClipboardPolicy.BOTH) -> None:
        self.page, self.copies, self.refusals = Page(), 0, 0
        self.session = self.page.session
        self.may_act = True
        self.hands = ActingHands(
            cast(ShownPage, self.page),
            policy,
            on_copy=self._copies,
            on_refused=self._refused,
            may_act=lambda: self.may_act,
        )

    def _copies(self) -> None:
        self.copies += 1

    def _refused(self) -> None:
        self.refusals += 1

    def do(self, *messages: InputMessage) -> None:
        for message in messages:
            self.hands.take(message, 0.0, 1280, 800)


async def test_moves_that_chromium_has_not_answered_are_merged() -> None:
    bench = Bench()
    bench.do(*(MouseMove(x=x, y=5) for x in range(500)))
    assert [params["x"] for _, params in bench.session.sent] == [0, 1]
    await bench.session.answer()
    assert [params["x"] for _, params in bench.session.sent] == [0, 1, 499]
    await bench.session.answer(RuntimeError("the page has gone"))
    bench.do(MouseMove(x=7, y=5))
    assert bench.session.sent[-1][1]["x"] == 7


async def test_a_click_waits_for_no_answer_and_overtakes_no_move() -> None:
    bench = Bench()
    bench.do(*(MouseMove(x=x, y=5) for x in range(10)), MouseDown(x=9, y=5), MouseUp(x=9, y=5))
    assert bench.session.types == ["mouseMoved"] * 3 + ["mousePressed", "mouseReleased"]
    assert bench.session.sent[2][1]["x"] == 9


async def test_wheels_are_added_up_while_chromium_is_busy() -> None:
    bench = Bench()
    bench.do(*(Wheel(x=5, y=5, delta_y=10) for _ in range(12)))
    await bench.session.answer()
    assert [params["deltaY"] for _, params in bench.session.sent] == [10, 10, 100]


async def test_a_page_that_hangs_is_not_sent_to_without_end() -> None:
    bench = Bench()
    for _ in range(2000):
        bench.do(Insert(text="a"))
    assert len(bench.session.sent) == MAX_UNANSWERED
    await bench.session.answer()
    assert len(bench.session.sent) == 2 * MAX_UNANSWERED


async def test_whatever_is_held_is_let_go_even_of_a_page_that_answers_nothing() -> None:
    bench = Bench()
    bench.do(KeyDown(key="Shift", code="ShiftLeft"), MouseDown(x=5, y=5), KeyDown(key="a", code="KeyA"))
    for _ in range(1000):
        bench.do(Insert(text="a"))
    assert bench.hands.holds
    bench.hands.release()
    assert not bench.hands.holds
    lifted = [type_ for type_ in bench.session.types if type_ in ("keyUp", "mouseReleased")]
    assert sorted(lifted) == ["keyUp", "keyUp", "mouseReleased"]
    before = len(bench.session.sent)
    bench.hands.release()
    await bench.session.answer()
    assert len(bench.session.sent) == before


async def test_a_page_that_has_gone_is_sent_nothing() -> None:
    bench = Bench()
    bench.session.is_gone = True
    bench.do(KeyDown(key="a", code="KeyA"))
    bench.hands.release()
    assert bench.session.sent == []


async def test_the_clipboard_goes_only_the_way_it_may() -> None:
    bench = Bench(ClipboardPolicy.IN)
    bench.do(Paste(text="x"))
    assert (bench.session.types, bench.refusals) == (["Input.insertText"], 0)
    bench.do(Copy())
    assert (bench.copies, bench.refusals) == (0, 1)
    assert "rawKeyDown" in bench.session.types or "keyDown" in bench.session.types, "it is copied inside"

    bench = Bench(ClipboardPolicy.OUT)
    bench.do(Paste(text="x"))
    assert (bench.session.types, bench.refusals) == ([], 1)
    bench.do(Copy(cut=True))
    assert (bench.copies, bench.refusals) == (1, 1)
    bench.do(KeyDown(key="Control", code="ControlLeft"), KeyDown(key="c", code="KeyC", modifiers=2))
    assert bench.copies == 2
    bench.do(KeyUp(key="c", code="KeyC"), KeyUp(key="Control", code="ControlLeft"))


def test_keys_have_the_numbers_that_chromium_asks_for() -> None:
    assert (VIRTUAL_KEYS["KeyA"], VIRTUAL_KEYS["Enter"], VIRTUAL_KEYS["ArrowLeft"]) == (65, 13, 37)


async def test_what_waits_is_not_done_on_a_page_that_may_not_be_acted_on() -> None:
    bench = Bench()
    bench.do(*(Insert(text=f"{number} ") for number in range(MAX_UNANSWERED)))
    bench.do(Insert(text="a password"), MouseDown(x=5, y=5), Copy())
    sent = len(bench.session.sent)
    bench.may_act = False
    await bench.session.answer()
    bench.hands.release()
    assert bench.session.types[sent:] == [] and bench.copies == 0


async def test_what_is_held_is_let_go_also_where_nothing_else_may_be_done() -> None:
    bench = Bench()
    bench.do(KeyDown(key="a", code="KeyA"))
    bench.may_act = False
    bench.hands.release()
    assert bench.session.types == ["keyDown", "keyUp"]
