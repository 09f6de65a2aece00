import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.guest_protocol.address import HOST_CID, Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("vsock:52", Address("vsock", port=52, peer_cid=HOST_CID)),
        ("vsock:5252,peer=any", Address("vsock", port=5252, peer_cid=None)),
        ("vsock:1,peer=1", Address("vsock", port=1, peer_cid=1)),
        ("vsock:4294967294", Address("vsock", port=4294967294)),
        ("unix:/run/agent.sock", Address("unix", path="/run/agent.sock")),
        ("unix:agent.sock", Address("unix", path="agent.sock")),
        ("unix:/run/a,peer=any", Address("unix", path="/run/a,peer=any")),
        ("unix:" + "x" * 107, Address("unix", path="x" * 107)),
    ],
)
def test_an_address_is_a_port_on_vsock_or_a_path(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected vsock:PORT or unix:PATH"),
        ("52", "expected vsock:PORT or unix:PATH"),
        ("tcp:52", "expected vsock:PORT or unix:PATH"),
        ("VSOCK:52", "expected vsock:PORT or unix:PATH"),
        ("vsock:", "port must be"),
        ("vsock:0", "port must be"),
        ("vsock:-1", "port must be"),
        ("vsock:4294967295", "port must be"),
        ("vsock:٥٢", "port must be"),
        ("vsock:" + "9" * 5000, "port must be"),
        ("vsock:52,", "expected peer="),
        ("vsock:52,cid=3", "expected peer="),
        ("vsock:52,peer=", "peer must be"),
        ("vsock:52,peer=all", "peer must be"),
        ("vsock:52,peer=4294967295", "peer must be"),
        ("unix:", "the path of a unix socket"),
        ("unix:a\0b", "the path of a unix socket"),
        ("unix:" + "x" * 108, "the path of a unix socket"),
        ("unix:" + "ü" * 54, "the path of a unix socket"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_address(text)


@given(st.text(max_size=40) | st.text(max_size=20).map("vsock:{}".format) | st.text(max_size=20).map("unix:{}".format))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address._replace(peer_cid=HOST_CID)


@given(st.integers(1, 2**32 - 2))
def test_an_address_in_a_message_is_written_as_it_was_given(port: int) -> None:
    assert str(parse_address(f"vsock:{port},peer=any")) == f"vsock:{port}"
    assert str(parse_address(f"unix:/run/{port}")) == f"unix:/run/{port}"
