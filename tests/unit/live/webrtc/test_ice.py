import base64
import hashlib
import hmac
from typing import Any

import pytest

from cloche.live.webrtc.ice import (
    IceSettings,
    TurnServer,
    ice_servers_for_viewer,
    ice_transport_policy,
    read_ice_settings,
    read_turn_url,
    stun_server,
    turn_credentials,
    turn_server,
)

TURN = {"turn_urls": ("turn:turn.test:3478",), "turn_secret": "s3cret"}


def test_credentials_are_what_coturn_computes_from_the_secret() -> None:
    settings = read_ice_settings(**TURN, turn_ttl_s=600)
    credentials = turn_credentials(settings, "v3", 1_000_000.9)
    assert credentials.username == "1000600:v3"
    digest = hmac.new(b"s3cret", b"1000600:v3", hashlib.sha1).digest()
    assert credentials.password == base64.b64encode(digest).decode()


def test_a_viewer_cannot_write_into_its_username() -> None:
    settings = read_ice_settings(**TURN, turn_ttl_s=600)
    assert turn_credentials(settings, "9:\n evil" + "x" * 100, 0).username == "600:9evil" + "x" * 59


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(read_ice_settings(**TURN))
    assert "=" not in repr(turn_credentials(read_ice_settings(**TURN), "v1", 0)).partition("username=")[2].strip("')")


def test_a_browser_gets_stun_and_turn_with_credentials() -> None:
    settings = read_ice_settings(stun="stun:stun.test", **TURN)
    stun, turn = ice_servers_for_viewer(settings, "v1", 0)
    assert stun == {"urls": ["stun:stun.test"]}
    assert turn["urls"] == ["turn:turn.test:3478"]
    assert turn["username"] == "3600:v1"
    assert turn["credential"]
    assert ice_transport_policy(settings) == "all"


def test_without_settings_no_server_is_asked() -> None:
    settings = read_ice_settings()
    assert ice_servers_for_viewer(settings, "v1", 0) == []
    assert stun_server(settings) is None
    assert turn_server(settings) is None


def test_relay_only_leaves_stun_out() -> None:
    settings = read_ice_settings(stun="stun:stun.test", relay_only=True, **TURN)
    assert [list(server) for server in ice_servers_for_viewer(settings, "v1", 0)] == [
        ["urls", "username", "credential"]
    ]
    assert ice_transport_policy(settings) == "relay"
    assert stun_server(settings) is None


def test_a_known_public_address_makes_stun_needless_for_us() -> None:
    assert stun_server(read_ice_settings(stun="stun:stun.test:1234")) == ("stun.test", 1234)
    assert stun_server(read_ice_settings(stun="stun:stun.test", public_address="93.184.215.14")) is None


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("turn:turn.test", TurnServer("turn.test", 3478, False, "udp")),
        ("turn:turn.test:80?transport=tcp", TurnServer("turn.test", 80, False, "tcp")),
        ("turns:turn.test", TurnServer("turn.test", 5349, True, "tcp")),
        ("turn:[2001:db8::1]:3479", TurnServer("2001:db8::1", 3479, False, "udp")),
    ],
)
def test_turn_urls_are_taken_apart(url: str, server: TurnServer) -> None:
    assert read_turn_url(url) == server


def test_our_own_allocation_is_over_udp_where_that_can_be() -> None:
    urls = ("turns:turn.test:443", "turn:turn.test?transport=tcp", "turn:turn.test")
    chosen = turn_server(IceSettings(turn_urls=urls, turn_secret="x"))
    assert chosen == TurnServer("turn.test", 3478, False, "udp")


@pytest.mark.parametrize(
    "wrong",
    [
        {"stun": "turn.test:3478"},
        {"stun": "stun:a b"},
        {"stun": "stun:stun.test:70000"},
        {"turn_urls": ("turn:turn.test",)},
        {"turn_secret": "s3cret"},
        {"turn_urls": ("http://turn.test",), "turn_secret": "s3cret"},
        {"turn_urls": ("turn:turn.test?transport=sctp",), "turn_secret": "s3cret"},
        {"relay_only": True},
        {"public_address": "example.test"},
        {"public_address": "127.0.0.1"},
        {"udp_ports": "50000"},
        {"udp_ports": "80-90"},
        {"udp_ports": "50100-50000"},
        {"udp_ports": "50000-70000"},
    ],
)
def test_settings_that_make_no_sense_are_refused_and_the_secret_is_not_quoted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        read_ice_settings(**wrong)
    assert "s3cret" not in str(caught.value)


def test_a_port_range_is_read() -> None:
    assert read_ice_settings(udp_ports="50000-50100").udp_ports == (50000, 50100)


def test_credentials_end_with_the_link_they_were_given_by() -> None:
    settings = read_ice_settings(turn_urls=("turn:turn.test",), turn_secret="x" * 20, turn_ttl_s=600)
    for until_s, ends in ((1_060.5, 1_060), (9_000.0, 1_600), (None, 1_600)):
        assert turn_credentials(settings, "v1", 1_000, until_s=until_s).username == f"{ends}:v1"
        (server,) = ice_servers_for_viewer(settings, "v1", 1_000, until_s=until_s)
        assert server["username"] == f"{ends}:v1"
