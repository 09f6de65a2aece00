"""Mouse and keyboard of a tab: events sent through Chromium's input, all of a gesture at once (CDP Input)."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import DevToolsError, HeldUpError, NoAnswerError, TargetGoneError
from cloche.browser.frame import told
from cloche.browser.keyboard import InsertText, KeyEvent
from cloche.browser.tab import Tab

MODIFIER_BITS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
BUTTON_BITS: Final = {"left": 1, "right": 2, "middle": 4, "back": 8, "forward": 16}
AT_ONCE: Final = 128
"""Events that are under way at the same time: a dialog that one of them opens leaves no more than these behind."""

Step = tuple[str, Json]
"""A DevTools method and its parameters."""


def mask_of(modifiers: Iterable[str]) -> int:
    return sum({MODIFIER_BITS[name] for name in modifiers})


def mouse(
    kind: str, x: float, y: float, *, button: str = "", held: bool = False, count: int = 0, mask: int = 0
) -> Step:
    """One `Input.dispatchMouseEvent`. `held`: whether the button is down after it."""
    params: Json = {"type": kind, "x": x, "y": y, "modifiers": mask, "pointerType": "mouse"}
    params["button"] = button or "none"
    params["buttons"] = BUTTON_BITS[button] if held else 0
    params["clickCount"] = count
    return "Input.dispatchMouseEvent", params


def clicks(x: float, y: float, button: str, count: int, mask: int) -> list[tuple[Step, Step]]:
    """Press and release for each click; the second of a double click says that it is that."""
    return [
        (
            mouse("mousePressed", x, y, button=button, held=True, count=number, mask=mask),
            mouse("mouseReleased", x, y, button=button, count=number, mask=mask),
        )
        for number in range(1, count + 1)
    ]


def key(event: KeyEvent | InsertText) -> Step:
    if isinstance(event, InsertText):
        return "Input.insertText", {"text": event.text}
    return "Input.dispatchKeyEvent", dict(event)


async def send(tab: Tab, steps: Sequence[Step], deadline: float) -> bool:
    """Send events and wait until the page has taken the last; False when it was held up by a dialog or has closed.

    Raises: ActionError (`page_unresponsive`, `page_crashed`, `browser_restarted` …).
    """
    for start in range(0, len(steps), AT_ONCE):
        answers = [tab.session.begin(method, params) for method, params in steps[start : start + AT_ONCE]]
        try:
            async with asyncio.timeout_at(deadline):
                for answer in answers:
                    await answer
        except TimeoutError:
            raise told(NoAnswerError("no answer to input")) from None
        except HeldUpError:
            return False
        except TargetGoneError as error:
            if error.crashed or not tab.is_gone:
                raise told(error) from None
            return False
        except DevToolsError as error:
            raise told(error) from None
        if tab.dialog is not None:
            return False
    return True


@asynccontextmanager
async def turn(tab: Tab, deadline: float) -> AsyncGenerator[None]:
    """Have mouse and keyboard to oneself: half a click of one call must not meet half of another's.

    Raises: ActionError (`timeout`).
    """
    lock: asyncio.Lock = tab.notes.setdefault("input", asyncio.Lock())
    try:
        async with asyncio.timeout_at(deadline):
            await lock.acquire()
    except TimeoutError:
        raise ActionError(Failure.TIMEOUT, "another action has held mouse and keyboard all the time") from None
    try:
        yield
    finally:
        lock.release()


async def pause(ms: int, deadline: float) -> None:
    """Wait, but not past the deadline."""
    await asyncio.sleep(max(0.0, min(ms / 1000, deadline - asyncio.get_running_loop().time())))
