from dataclasses import replace

import pytest

from cloche.browser.call import Blocked
from cloche.egress.policy import RefusalReason
from cloche.egress.refusals import Refusal, RefusalWindow
from cloche.sessions.browsing.refusals import KEEP_S, MAX_KEPT, Refusals

REASON = next(iter(RefusalReason))
EVIL = Refusal("evil.test", 443, REASON, "*.test")


def test_a_refused_host_and_port_is_told_with_its_rule() -> None:
    refusals = Refusals()
    refusals.note(EVIL, 10.0)

    assert refusals.why("evil.test", 443, 10.1) == Blocked(str(REASON), "*.test")
    assert refusals.why("evil.test", 80, 10.1) is None
    assert refusals.why("other.test", 443, 10.1) is None


@pytest.mark.parametrize(
    ("asked", "failed"),
    [("Evil.Test", "evil.test."), ("evil.test.", "EVIL.test"), ("::1", "[::1]"), ("10.0.0.5", "10.0.0.5")],
)
def test_one_host_in_two_spellings_is_one_host(asked: str, failed: str) -> None:
    refusals = Refusals()
    refusals.note(replace(EVIL, host=asked), 0.0)

    assert refusals.why(failed, 443, 1.0) is not None


def test_a_refusal_is_forgotten_after_a_minute_and_a_repetition_renews_it() -> None:
    refusals = Refusals()
    refusals.note(EVIL, 0.0)
    assert refusals.why("evil.test", 443, KEEP_S) is not None
    assert refusals.why("evil.test", 443, KEEP_S + 0.1) is None

    refusals.note(replace(EVIL, count=7), 59.0)
    assert refusals.why("evil.test", 443, KEEP_S + 0.1) is not None


def test_a_repetition_that_the_gateway_holds_back_is_found_all_the_same() -> None:
    refusals, window = Refusals(), RefusalWindow()
    for moment in (0.0, 0.1, 0.9):
        if (told := window.record(EVIL)) is not None:
            refusals.note(told, moment)

        assert refusals.why("evil.test", 443, moment) is not None


def test_the_last_reason_is_the_one_told() -> None:
    refusals = Refusals()
    refusals.note(EVIL, 0.0)
    refusals.note(replace(EVIL, rule="later"), 1.0)

    assert refusals.why("evil.test", 443, 1.0) == Blocked(str(REASON), "later")


def test_what_names_no_host_explains_none() -> None:
    refusals = Refusals()
    refusals.note(replace(EVIL, host="", port=0), 0.0)

    assert refusals.why("", 0, 0.0) is None


def test_a_flood_of_hosts_leaves_the_newest() -> None:
    refusals = Refusals()
    for number in range(MAX_KEPT + 5):
        refusals.note(replace(EVIL, host=f"h{number}.test"), 0.0)

    assert refusals.why("h4.test", 443, 0.0) is None
    assert refusals.why("h5.test", 443, 0.0) is not None
    assert len(refusals._kept) == MAX_KEPT
