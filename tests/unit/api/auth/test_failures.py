import pytest

from cloche.api.auth.failures import MAX_ADDRESSES, MOST_AT_ONCE, AuthFailures, address_of_peer
from cloche.testing.audit import NotingAudit
from cloche.testing.clock import FakeClock


def test_an_address_is_told_once_a_second_with_how_often_it_tried() -> None:
    audit, clock = NotingAudit(), FakeClock()
    failures = AuthFailures(audit, clock, "http")
    for _ in range(10):
        failures.note("192.0.2.1")
    clock.advance(1)
    failures.note("192.0.2.1")
    assert [record.data["count"] for record in audit.records] == [1, 10]
    assert {record.kind for record in audit.records} == {"auth.failed"}


def test_many_addresses_cannot_fill_the_journal_and_are_counted() -> None:
    audit, clock = NotingAudit(), FakeClock()
    failures = AuthFailures(audit, clock, "grpc")
    for number in range(5000):
        failures.note(f"2001:db8::{number:x}")
    assert len(audit.records) == MOST_AT_ONCE
    clock.advance(1)
    failures.note("192.0.2.1")
    assert audit.records[-1].data["others"] == 5000 - MOST_AT_ONCE - MAX_ADDRESSES


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:4711", "127.0.0.1"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("ipv6:[2001:db8::1]:4711", "2001:db8::1"),
        ("unix:", "unix:"),
    ],
)
def test_the_address_of_a_grpc_peer_has_no_port(peer: str, address: str) -> None:
    assert address_of_peer(peer) == address
