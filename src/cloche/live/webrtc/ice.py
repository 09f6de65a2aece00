"""STUN and TURN: which servers, and credentials that expire. Pure.

TURN credentials follow coturn's REST scheme (draft-uberti-behave-turn-rest-00): the username is `<expiry>:<who>`, with
the expiry in seconds since 1970, and the password `base64(HMAC-SHA1(secret, username))`. The server computes the same
from the secret (`use-auth-secret`, `static-auth-secret`), so there is nobody to register and nothing to take back.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_STUN: Final = re.compile(r"stuns?:(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_TURN: Final = re.compile(
    r"(?P<scheme>turns?):(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)
_PORTS: Final = re.compile(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})")
_WHO: Final = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSettings:
    """How viewers and we find a way to each other. Made by `read_ice_settings`; what it says nothing of is off."""

    stun: str = ""
    """`stun:host:port`."""
    turn_urls: tuple[str, ...] = ()
    turn_secret: str = field(default="", repr=False)
    turn_ttl_s: int = 3600
    """How long a viewer's credentials let it make an allocation; one that stands is kept by coturn beyond."""
    public_address: IPv4Address | IPv6Address | None = None
    """By which viewers reach this machine: stands in our SDP in place of our own addresses of that family (NAT 1:1)."""
    udp_ports: tuple[int, int] | None = None
    """First and last of the ports we listen on; None: the system chooses. One for each viewer and address of ours."""
    relay_only: bool = False
    """Nothing but TURN, on both sides."""
    loopback: bool = False
    """The daemon is bound to loopback: viewers are on this machine, and loopback addresses are as good as any."""
    private_viewers: bool = True
    """Viewers may be on private networks. Off: our agent calls public addresses only."""
    gather_timeout_s: float = 3.0
    """How long STUN and TURN may keep our SDP waiting."""


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One of `turn_urls`, taken apart."""

    host: str
    port: int
    tls: bool
    transport: str
    """`udp` or `tcp`."""


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    username: str
    password: str = field(repr=False)


def read_ice_settings(
    *,
    stun: str = "",
    turn_urls: tuple[str, ...] = (),
    turn_secret: str = "",
    turn_ttl_s: int = 3600,
    public_address: str = "",
    udp_ports: str = "",
    relay_only: bool = False,
    loopback: bool = False,
    private_viewers: bool = True,
) -> IceSettings:
    """Check the settings as an operator writes them.

    Raises: ValueError, which names what is wrong and never the secret.
    """
    if stun and not _is_url(_STUN, stun):
        raise ValueError("STUN is written stun:host or stun:host:port")
    for url in turn_urls:
        read_turn_url(url)
    if bool(turn_urls) != bool(turn_secret):
        raise ValueError("TURN needs both: its URLs, and the secret that coturn calls static-auth-secret")
    if relay_only and not turn_urls:
        raise ValueError("relay only, but no TURN server")
    return IceSettings(
        stun=stun,
        turn_urls=turn_urls,
        turn_secret=turn_secret,
        turn_ttl_s=turn_ttl_s,
        public_address=_read_address(public_address) if public_address else None,
        udp_ports=_read_ports(udp_ports) if udp_ports else None,
        relay_only=relay_only,
        loopback=loopback,
        private_viewers=private_viewers,
    )


def read_turn_url(url: str) -> TurnServer:
    """Take a `turn:` or `turns:` URL apart (RFC 7065). Raises: ValueError."""
    match = _is_url(_TURN, url)
    if not match:
        raise ValueError("TURN is written turn:host:port, turns:host:port, with ?transport=udp or tcp if need be")
    tls = match["scheme"] == "turns"
    transport = match["transport"] or ("tcp" if tls else "udp")
    return TurnServer(match["host"].strip("[]"), int(match["port"] or (5349 if tls else 3478)), tls, transport)


def turn_credentials(settings: IceSettings, who: str, now_s: float, *, until_s: float | None = None) -> TurnCredentials:
    """Credentials for `who`, which begin now (seconds since 1970) and end `turn_ttl_s` later, or at `until_s`."""
    ends_s = int(now_s) + settings.turn_ttl_s
    ends_s = ends_s if until_s is None else min(ends_s, int(until_s))
    username = f"{ends_s}:{_WHO.sub('', who)[:64]}"
    digest = hmac.new(settings.turn_secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredentials(username, base64.b64encode(digest).decode())


def ice_servers_for_viewer(
    settings: IceSettings, who: str, now_s: float, *, until_s: float | None = None
) -> list[dict[str, object]]:
    """`RTCConfiguration.iceServers` for a viewer's browser. Empty where there are none: then no server is asked.

    `until_s`: when the viewer's link ends, in seconds since 1970.
    """
    servers: list[dict[str, object]] = []
    if settings.stun and not settings.relay_only:
        servers.append({"urls": [settings.stun]})
    if settings.turn_urls:
        credentials = turn_credentials(settings, who, now_s, until_s=until_s)
        servers.append(
            {
                "urls": list(settings.turn_urls),
                "username": credentials.username,
                "credential": credentials.password,
            }
        )
    return servers


def ice_transport_policy(settings: IceSettings) -> str:
    """`RTCConfiguration.iceTransportPolicy` for a viewer's browser."""
    return "relay" if settings.relay_only else "all"


def stun_server(settings: IceSettings) -> tuple[str, int] | None:
    """The one that we ask ourselves: none where our public address is known, or nothing but TURN is to be used."""
    match = _is_url(_STUN, settings.stun)
    if not match or settings.public_address is not None or settings.relay_only:
        return None
    return match["host"].strip("[]"), int(match["port"] or 3478)


def turn_server(settings: IceSettings) -> TurnServer | None:
    """The one on which we make an allocation of our own: the first that speaks UDP, else the first that we can use."""
    servers = [read_turn_url(url) for url in settings.turn_urls]
    usable = [server for server in servers if not (server.tls and server.transport == "udp")]
    return min(usable, key=lambda server: server.transport == "tcp", default=None)


def _is_url(pattern: re.Pattern[str], url: str) -> re.Match[str] | None:
    match = pattern.fullmatch(url)
    return match if match and 0 < int(match["port"] or 1) < 65536 else None


def _read_address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError("the public address must be an IP address") from None
    if address.is_unspecified or address.is_multicast or address.is_loopback:
        raise ValueError("the public address must be one that viewers can reach")
    return address


def _read_ports(text: str) -> tuple[int, int]:
    match = _PORTS.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1024 <= first <= last <= 65535:
        raise ValueError("UDP ports are written first-last, both between 1024 and 65535")
    return first, last
