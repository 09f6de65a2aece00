from dataclasses import replace
from datetime import timedelta

from cloche.browser.contract.common import Usage
from cloche.sessions.browsing.meter import Meter
from cloche.sessions.browsing.usage import usage_of
from cloche.sessions.model import SessionUsage
from cloche.testing.sessions import BUDGET, NOON, make_options, make_session

SESSION = make_session(
    options=make_options(budget=replace(BUDGET, egress_bytes=1000, tabs=4)),
    usage=SessionUsage(egress_bytes_in=300, egress_bytes_out=50, memory_bytes=64, cpu_seconds=1.5),
)


def test_all_that_is_taken_and_left_is_told() -> None:
    meter = Meter(actions=10, per_window=2, window_ms=1000, taken=3)
    meter.take(5.0)
    meter.take(5.0)

    found = usage_of(SESSION, meter, tabs=3, now=NOON + timedelta(minutes=59), monotonic=5.4)
    assert found == Usage(
        actions=5,
        actions_left=5,
        window_actions_left=0,
        window_resets_in_ms=600,
        tabs=3,
        tabs_left=1,
        egress_bytes_left=650,
        memory_bytes=64,
        cpu_seconds=1.5,
        lifetime_left_ms=60_000,
    )


def test_what_nobody_knows_is_minus_one_and_nothing_is_less_than_none_left() -> None:
    meter = Meter(actions=1, per_window=1, window_ms=1000, taken=9)
    spent = replace(SESSION, usage=SessionUsage(egress_bytes_in=5000))

    found = usage_of(spent, meter, tabs=None, now=NOON + timedelta(days=1), monotonic=0.0)
    assert (found.memory_bytes, found.cpu_seconds, found.tabs, found.tabs_left) == (-1, -1.0, 0, -1)
    assert (found.actions_left, found.egress_bytes_left, found.lifetime_left_ms) == (0, 0, 0)
    assert usage_of(spent, meter, tabs=9, now=NOON, monotonic=0.0).tabs_left == 0
