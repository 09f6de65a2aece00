"""Candidates of viewers, read and judged. Pure. RFC 8839, section 5.1.

A candidate is an address that a stranger asks us to send packets to: our ICE agent calls it some times a second for
half a minute, and whoever answers properly gets video. Without a rule a viewer could have us knock at the UDP ports of
whatever this machine reaches. So we call

- UDP, and no port below 1024: name servers, NTP and most of what a datagram can upset live there;
- never: multicast, broadcast, link-local (cloud metadata services answer there), reserved and documentation addresses,
  IPv6 addresses that carry an IPv4 address inside (a second spelling), and metadata services on other addresses;
- loopback only where the daemon itself is bound to loopback;
- private networks unless the setting `private_viewers` is off: viewers in the same office have no other address.

What remains is a viewer who may have us send a few small STUN requests to UDP ports of private machines, and does not
see answers that are not its own. Names, of which browsers make `….local` to hide their address, are never looked up:
those viewers are found by the packets that they send us.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from cloche.errors import InvalidError

MAX_CANDIDATES: Final = 64
"""Of one viewer, in its SDP and trickled together."""
MAX_CANDIDATE_CHARS: Final = 1024
LOWEST_PORT: Final = 1024

_CANDIDATE: Final = re.compile(
    r"(?:candidate:)?(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>[0-9]{1,3}) (?P<transport>[A-Za-z0-9-]{1,16}) "
    r"(?P<priority>[0-9]{1,10}) (?P<host>[A-Za-z0-9.:_-]{1,253}(?:%[A-Za-z0-9]{1,16})?) (?P<port>[0-9]{1,5}) "
    r"typ (?P<type>[a-z]{1,16})(?: .*)?"
)
_METADATA: Final = frozenset({"100.100.100.200", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"})
"""Of clouds that have theirs outside the link-local block; the first two would pass for private addresses."""
_NEVER: Final = tuple(
    ip_network(text)
    for text in ("fec0::/10", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
"""Site-local addresses of old, and the forms that carry an IPv4 address: compatible, mapped, NAT64, Teredo, 6to4."""
_PRIVATE: Final = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 (carriers and overlay networks), RFC 4193."""


class Refusal(StrEnum):
    """Why a candidate is left out; a metric label."""

    NAME = "name"
    TRANSPORT = "transport"
    COMPONENT = "component"
    KIND = "kind"
    PORT = "port"
    ADDRESS = "address"
    LOOPBACK = "loopback"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class RemoteCandidate:
    """One that a viewer named, well-formed and not judged yet."""

    foundation: str
    component: int
    transport: str
    priority: int
    host: str
    port: int
    kind: str
    """`typ`: host, srflx, prflx or relay, if it is one of those."""


@dataclass(frozen=True, slots=True)
class CallRule:
    """Which of the doubtful ranges may be called."""

    loopback: bool
    private: bool


def read_candidate(text: str) -> RemoteCandidate:
    """Read `candidate:…`, with or without that word. Raises: InvalidError (`bad_candidate`)."""
    match = _CANDIDATE.fullmatch(text.strip()) if len(text) <= MAX_CANDIDATE_CHARS else None
    if match is None or int(match["port"]) > 65535 or int(match["priority"]) >= 1 << 32:
        raise InvalidError("not an ICE candidate", reason="bad_candidate")
    return RemoteCandidate(
        foundation=match["foundation"],
        component=int(match["component"]),
        transport=match["transport"].lower(),
        priority=int(match["priority"]),
        host=match["host"],
        port=int(match["port"]),
        kind=match["type"],
    )


def why_not_call(candidate: RemoteCandidate, rule: CallRule) -> Refusal | None:
    """Tell why our agent must not call it; None: it may."""
    if candidate.transport != "udp":
        return Refusal.TRANSPORT
    if candidate.component != 1:
        return Refusal.COMPONENT
    if candidate.kind not in ("host", "srflx", "relay"):
        return Refusal.KIND
    address = _read(candidate.host)
    if address is None:
        return Refusal.NAME
    if candidate.port < LOWEST_PORT:
        return Refusal.PORT
    return why_not_address(address, rule)


def why_not_address(address: IPv4Address | IPv6Address, rule: CallRule) -> Refusal | None:
    """The part of the rule that is about addresses alone."""
    if address.is_loopback:
        return None if rule.loopback else Refusal.LOOPBACK
    if str(address) in _METADATA or any(address in network for network in _NEVER):
        return Refusal.ADDRESS
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return Refusal.ADDRESS
    if address.is_global:
        return None
    if any(address in network for network in _PRIVATE):
        return None if rule.private else Refusal.PRIVATE
    return Refusal.ADDRESS


def _read(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address
