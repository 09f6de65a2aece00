"""The clipboard policy over steps."""

import pytest

from cloche.live.input.clipboard import lets
from cloche.live.input.commands import Command, Step, TellSelection
from cloche.live.model import ClipboardPolicy

PASTE = Command("Input.insertText", {"text": "a"}, pastes=True)
TYPE = Command("Input.insertText", {"text": "a"})
COPY = TellSelection(cut=False)


@pytest.mark.parametrize(
    ("policy", "step", "expected"),
    [
        (ClipboardPolicy.OFF, PASTE, False),
        (ClipboardPolicy.OFF, COPY, False),
        (ClipboardPolicy.IN, PASTE, True),
        (ClipboardPolicy.IN, COPY, False),
        (ClipboardPolicy.OUT, PASTE, False),
        (ClipboardPolicy.OUT, COPY, True),
        (ClipboardPolicy.BOTH, PASTE, True),
        (ClipboardPolicy.BOTH, COPY, True),
        (ClipboardPolicy.OFF, TYPE, True),
    ],
)
def test_what_a_policy_lets_through(policy: ClipboardPolicy, step: Step, expected: bool) -> None:
    assert lets(policy, step) is expected
