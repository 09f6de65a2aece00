from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.socks5 import (
    MAX_EARLY_BYTES,
    AddressType,
    ConnectRequest,
    Event,
    ProtocolError,
    ProtocolFault,
    Reply,
    Socks5Server,
    encode_reply,
)

GREETING = b"\x05\x01\x00"
# As Chromium sends it: every destination, also an address, as a domain.
CHROMIUM = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"


def run(pieces: list[bytes]) -> tuple[list[Event], bytes, bytes]:
    machine, events, sent = Socks5Server(), [], b""
    for piece in pieces:
        events += machine.receive(piece)
        sent += machine.data_to_send()
    return events, sent, machine.early_data


def faults(data: bytes) -> tuple[list[ProtocolFault], bytes]:
    events, sent, _ = run([data])
    return [event.fault for event in events if isinstance(event, ProtocolError)], sent


def test_a_browsers_request_is_read() -> None:
    assert run([GREETING, CHROMIUM]) == ([ConnectRequest("example.com", 443, AddressType.DOMAIN)], b"\x05\x00", b"")


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        (b"\x01\x5d\xb8\xd7\x0e", ConnectRequest("93.184.215.14", 80, AddressType.IPV4)),
        (b"\x04" + bytes(15) + b"\x01", ConnectRequest("::1", 80, AddressType.IPV6)),
        (b"\x03\x00", ConnectRequest("", 80, AddressType.DOMAIN)),
        (b"\x03\xff" + b"a" * 255, ConnectRequest("a" * 255, 80, AddressType.DOMAIN)),
        (b"\x03\x03::1", ConnectRequest("::1", 80, AddressType.DOMAIN)),
    ],
)
def test_every_address_type_is_read(address: bytes, request_: ConnectRequest) -> None:
    events, _, _ = run([GREETING, b"\x05\x01\x00" + address + b"\x00\x50"])
    assert events == [request_]


def test_one_byte_at_a_time_is_as_good_as_all_at_once() -> None:
    data = GREETING + CHROMIUM + b"early"
    assert run([bytes([byte]) for byte in data]) == run([data])


def test_what_follows_the_request_is_kept_for_the_destination() -> None:
    _, _, early = run([GREETING + CHROMIUM + b"\x16\x03", b"\x01 hello"])
    assert early == b"\x16\x03\x01 hello"


def test_no_authentication_is_chosen_among_other_offers() -> None:
    assert run([b"\x05\x03\x02\x01\x00"])[1] == b"\x05\x00"


@pytest.mark.parametrize("greeting", [b"\x05\x00", b"\x05\x01\x02", b"\x05\x02\x01\x02"])
def test_without_a_common_method_the_client_is_told_so(greeting: bytes) -> None:
    assert faults(greeting + CHROMIUM) == ([ProtocolFault.NO_ACCEPTABLE_METHOD], b"\x05\xff")


@pytest.mark.parametrize(
    "data", [b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\x00"]
)
def test_other_protocols_get_no_answer(data: bytes) -> None:
    assert faults(data) == ([ProtocolFault.BAD_VERSION], b"")


@pytest.mark.parametrize(
    ("request_", "fault", "reply"),
    [
        (b"\x04", ProtocolFault.BAD_VERSION, 1),
        (b"\x05\x02", ProtocolFault.COMMAND_NOT_SUPPORTED, 7),
        (b"\x05\x03", ProtocolFault.COMMAND_NOT_SUPPORTED, 7),
        (b"\x05\x01\x01", ProtocolFault.RESERVED_NOT_ZERO, 1),
        (b"\x05\x01\x00\x02", ProtocolFault.ADDRESS_TYPE_NOT_SUPPORTED, 8),
        (b"\x05\x01\x00\x03\x02\xc3\xa4\x00\x50", ProtocolFault.HOST_NOT_ASCII, 1),
    ],
)
def test_a_bad_request_gets_its_reply(request_: bytes, fault: ProtocolFault, reply: int) -> None:
    assert faults(GREETING + request_) == ([fault], b"\x05\x00" + encode_reply(Reply(reply)))


def test_after_a_fault_nothing_more_is_read_or_said() -> None:
    machine = Socks5Server()
    machine.receive(b"\x04")
    assert machine.receive(GREETING + CHROMIUM) == []
    assert (machine.data_to_send(), machine.early_data) == (b"", b"")


@pytest.mark.parametrize("beyond", [0, 1])
def test_early_data_is_bounded(beyond: int) -> None:
    events, _, early = run([GREETING + CHROMIUM, bytes(MAX_EARLY_BYTES), bytes(beyond)])
    assert (ProtocolError(ProtocolFault.TOO_MUCH_EARLY_DATA) in events) == bool(beyond)
    assert len(early) == (0 if beyond else MAX_EARLY_BYTES)


def test_a_reply_is_ten_bytes_and_names_no_address() -> None:
    assert encode_reply(Reply.NOT_ALLOWED) == b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"
    assert encode_reply(Reply.SUCCEEDED)[:2] == b"\x05\x00"


# Mostly nearly right, since random bytes end at the first one.
GREETINGS = st.binary(max_size=4).map(lambda methods: bytes((5, len(methods))) + methods)
REQUESTS = st.builds(
    lambda kind, address, tail: b"\x05\x01\x00" + bytes([kind]) + address + tail,
    st.sampled_from([1, 3, 4, 3, 9]),
    st.binary(max_size=24),
    st.binary(max_size=8),
)
STREAMS = st.binary(max_size=400) | st.builds(
    lambda greeting, request, tail: greeting + request + tail,
    st.just(GREETING) | GREETINGS,
    REQUESTS | st.just(CHROMIUM) | st.binary(max_size=300),
    st.binary(max_size=100),
)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=12))
def test_any_bytes_give_the_same_result_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[start:end] for start, end in pairwise(ends)]
    assert run(pieces) == run([data])


@given(st.lists(STREAMS, max_size=6))
def test_any_bytes_give_at_most_one_request_and_one_error_and_a_bounded_answer(pieces: list[bytes]) -> None:
    events, sent, early = run(pieces)
    assert [type(event) for event in events] in ([], [ConnectRequest], [ProtocolError], [ConnectRequest, ProtocolError])
    assert len(sent) <= 12
    assert len(early) <= MAX_EARLY_BYTES
    assert b"".join(pieces).endswith(early)
