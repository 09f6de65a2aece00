"""Reasons as close codes."""

import pytest

from cloche.api.devtools_door.closing import closing_for
from cloche.sessions.model import EndReason


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_of_a_session_has_a_code_that_a_peer_may_receive(reason: EndReason) -> None:
    closing = closing_for(reason.value)
    assert closing.code in {1001, 1011} or 4000 <= closing.code < 5000
    assert closing.reason == reason.value and closing.frame()[4:].decode() == reason.value


def test_a_browser_that_was_stopped_is_not_dialled_again_before_somebody_starts_it() -> None:
    assert closing_for("browser_stopped").code == 4409


@pytest.mark.parametrize("reason", ["crashed", "browser_restarting", ""])
def test_an_end_that_is_not_the_sessions_means_dial_again(reason: str) -> None:
    assert closing_for(reason).code == 1012
