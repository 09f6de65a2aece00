import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.errors import AgentError, ConflictError, GoneError, NotFoundError, TooLargeError
from cloche.sessions.profiles.refusals import no_profile, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotFoundError("no such profile"), "profile_deleted"),
        (ConflictError("x", reason="lease_lost"), "lease_lost"),
        (GoneError("x", reason="sandbox_lost"), "sandbox_lost"),
        (TooLargeError("x"), "too_large"),
        (AgentError("x"), "agent_failed"),
        (ActionError(Failure.BROWSER_RESTARTED, "x"), "browser_restarted"),
        (TimeoutError(), "too_slow"),
        (ValueError("what a page says"), "internal"),
    ],
)
def test_every_failure_has_a_short_stable_reason(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_session_without_a_profile_says_so() -> None:
    assert no_profile().fields["reason"] == "no_profile"
