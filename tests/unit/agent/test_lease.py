import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.lease import Lease, LeaseError


@given(st.floats(0.1, 1000), st.floats(0, 1e6))
def test_a_lease_ends_at_its_time_and_not_before(ttl_s: float, now: float) -> None:
    lease = Lease(ttl_s, now)
    assert not lease.has_expired(math.nextafter(lease.expires_at, -math.inf))
    end = lease.expires_at
    assert not lease.has_expired(end), "what lies unread has not been read"
    assert lease.expires_at == end + 0.25
    assert lease.has_expired(lease.expires_at)


def test_who_is_let_go_on_at_the_very_end_reads_the_renewal_first() -> None:
    lease = Lease(10, 0)
    assert not lease.has_expired(10.4)
    lease.renew(10, 10.5)
    assert not lease.has_expired(20.4)
    assert not lease.has_expired(20.5)
    assert lease.has_expired(20.75)


def test_a_lease_of_nothing_never_ends_until_it_is_renewed() -> None:
    lease = Lease(0, 0)
    assert not lease.has_expired(1e12)
    lease.renew(5, 10)
    assert lease.expires_at == 15


def test_who_slept_through_the_end_gets_a_second_chance_once() -> None:
    lease = Lease(10, 0)
    assert not lease.has_expired(500)
    assert lease.expires_at == 505
    assert lease.has_expired(505)


@pytest.mark.parametrize("ttl_s", [0, -1, True, None, "5", [], math.nan, math.inf, 86_401])
def test_a_time_that_is_none_is_refused_and_changes_nothing(ttl_s: object) -> None:
    lease = Lease(10, 0)
    with pytest.raises(LeaseError):
        lease.renew(ttl_s, 5)
    assert lease.expires_at == 10
