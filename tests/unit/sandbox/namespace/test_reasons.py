import pytest

from cloche.sandbox.namespace.reasons import StartReason, reason_of_death, start_error


@pytest.mark.parametrize("reason", StartReason)
def test_every_reason_has_words_for_the_user(reason: StartReason) -> None:
    error = start_error(reason)
    assert error.reason == reason.value
    assert error.detail
    assert "/" not in error.detail


def test_an_output_that_says_nothing_of_namespaces_is_just_a_death() -> None:
    assert reason_of_death("bwrap: Can't find source path /x: No such file") is StartReason.SANDBOX_DIED_AT_START
    assert reason_of_death("") is StartReason.SANDBOX_DIED_AT_START
