"""A worker's share of a byte budget."""

from cloche.data_plane.lease import LEASE_BYTES, Lease


def test_nothing_passes_before_the_first_grant_and_nobody_is_asked_for_it() -> None:
    asked: list[None] = []
    lease = Lease(lambda: asked.append(None))
    assert lease.take(10) == 0
    assert not asked


def test_more_is_asked_for_once_when_half_is_used() -> None:
    asked: list[None] = []
    lease = Lease(lambda: asked.append(None))
    lease.grant(LEASE_BYTES, is_last=False)
    assert lease.take(LEASE_BYTES // 2) == LEASE_BYTES // 2
    assert not asked
    assert lease.take(1) == 1
    assert lease.take(1) == 1
    assert len(asked) == 1
    lease.grant(LEASE_BYTES, is_last=False)
    assert lease.take(LEASE_BYTES) == LEASE_BYTES
    assert len(asked) == 2


def test_who_waits_is_told_of_the_next_grant_once() -> None:
    lease, told = Lease(lambda: None), list[str]()
    assert lease.refill(lambda: told.append("a"))
    assert lease.refill(lambda: told.append("b"))
    lease.grant(5, is_last=False)
    lease.grant(5, is_last=False)
    assert told == ["a", "b"]


def test_after_the_last_grant_is_used_there_is_no_more() -> None:
    asked: list[None] = []
    lease = Lease(lambda: asked.append(None))
    lease.grant(7, is_last=True)
    assert lease.take(10) == 7
    assert not lease.refill(lambda: None)
    assert not asked


def test_who_waits_is_told_that_there_is_no_more() -> None:
    lease, told = Lease(lambda: None), list[str]()
    assert lease.refill(lambda: told.append("a"))
    lease.grant(0, is_last=True)
    assert told == ["a"] and lease.take(1) == 0 and not lease.refill(lambda: None)
