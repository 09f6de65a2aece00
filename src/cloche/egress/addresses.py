"""Which addresses are the public internet, and how a host literal must be written. Pure.

The rule is default deny: an address is public only if no range below holds it, and an IPv6 address only inside
2000::/3, the only block IANA gives out for global unicast. The ranges are the IANA special-purpose registries
(iana-ipv4-special-registry, iana-ipv6-special-registry; RFC 6890 and the RFCs named per line), the multicast
blocks, and the deprecated forms through which an IPv4 address can be written as IPv6.

Forms that carry an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo) are refused as such and never
judged by what they carry: no public site needs them, and each is a second spelling of an address already checked.

Three IPv4 blocks that the registry calls globally reachable are refused all the same: AS112 (RFC 7534, 7535) and
AMT (RFC 7450) are anycast services whose nearest instance may be a machine of the operator's own network, and no
web site lives there.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


class AddressClass(StrEnum):
    """`PUBLIC`, or why an address is not. The values are stable: they stand in refusal events."""

    PUBLIC = "public"
    UNSPECIFIED = "unspecified"
    THIS_NETWORK = "this_network"
    THIS_MACHINE = "this_machine"  # a public address of the host itself; only the dialler can tell
    LOOPBACK = "loopback"
    PRIVATE = "private"
    UNIQUE_LOCAL = "unique_local"
    SITE_LOCAL = "site_local"
    LINK_LOCAL = "link_local"
    CGNAT = "cgnat"
    MULTICAST = "multicast"
    BROADCAST = "broadcast"
    RESERVED = "reserved"
    DOCUMENTATION = "documentation"
    BENCHMARKING = "benchmarking"
    IETF_PROTOCOL = "ietf_protocol"
    AS112 = "as112"
    AMT = "amt"
    DISCARD = "discard"
    DUMMY = "dummy"
    SIX_TO_FOUR = "six_to_four"
    TEREDO = "teredo"
    NAT64 = "nat64"
    V4_MAPPED = "v4_mapped"
    V4_COMPATIBLE = "v4_compatible"
    ORCHID = "orchid"
    DRONE_ID = "drone_id"
    SRV6 = "srv6"


# The first range that holds an address names it, so a narrow range stands before the wide one around it.
RANGES: Final[tuple[tuple[str, AddressClass, str], ...]] = (
    ("0.0.0.0/32", AddressClass.UNSPECIFIED, "RFC 1122 §3.2.1.3; Linux connects it to loopback"),
    ("0.0.0.0/8", AddressClass.THIS_NETWORK, "RFC 791 §3.2"),
    ("10.0.0.0/8", AddressClass.PRIVATE, "RFC 1918"),
    ("100.64.0.0/10", AddressClass.CGNAT, "RFC 6598"),
    ("127.0.0.0/8", AddressClass.LOOPBACK, "RFC 1122 §3.2.1.3"),
    ("169.254.0.0/16", AddressClass.LINK_LOCAL, "RFC 3927; cloud metadata services live here"),
    ("172.16.0.0/12", AddressClass.PRIVATE, "RFC 1918"),
    ("192.0.0.8/32", AddressClass.DUMMY, "RFC 7600"),
    ("192.0.0.0/24", AddressClass.IETF_PROTOCOL, "RFC 6890 §2.1; DS-Lite, NAT64 discovery, PCP and TURN anycast"),
    ("192.0.2.0/24", AddressClass.DOCUMENTATION, "RFC 5737, TEST-NET-1"),
    ("192.31.196.0/24", AddressClass.AS112, "RFC 7535"),
    ("192.52.193.0/24", AddressClass.AMT, "RFC 7450"),
    ("192.88.99.0/24", AddressClass.SIX_TO_FOUR, "RFC 7526, the withdrawn relay anycast"),
    ("192.168.0.0/16", AddressClass.PRIVATE, "RFC 1918"),
    ("192.175.48.0/24", AddressClass.AS112, "RFC 7534"),
    ("198.18.0.0/15", AddressClass.BENCHMARKING, "RFC 2544"),
    ("198.51.100.0/24", AddressClass.DOCUMENTATION, "RFC 5737, TEST-NET-2"),
    ("203.0.113.0/24", AddressClass.DOCUMENTATION, "RFC 5737, TEST-NET-3"),
    ("224.0.0.0/4", AddressClass.MULTICAST, "RFC 5771"),
    ("255.255.255.255/32", AddressClass.BROADCAST, "RFC 919 §7"),
    ("240.0.0.0/4", AddressClass.RESERVED, "RFC 1112 §4"),
    ("::/128", AddressClass.UNSPECIFIED, "RFC 4291 §2.5.2"),
    ("::1/128", AddressClass.LOOPBACK, "RFC 4291 §2.5.3"),
    ("::ffff:0:0/96", AddressClass.V4_MAPPED, "RFC 4291 §2.5.5.2"),
    ("::/96", AddressClass.V4_COMPATIBLE, "RFC 4291 §2.5.5.1, deprecated"),
    ("64:ff9b::/96", AddressClass.NAT64, "RFC 6052"),
    ("64:ff9b:1::/48", AddressClass.NAT64, "RFC 8215, local use"),
    ("100::/64", AddressClass.DISCARD, "RFC 6666"),
    ("100:0:0:1::/64", AddressClass.DUMMY, "RFC 9780"),
    ("2001::/32", AddressClass.TEREDO, "RFC 4380"),
    ("2001:2::/48", AddressClass.BENCHMARKING, "RFC 5180"),
    ("2001:3::/32", AddressClass.AMT, "RFC 7450"),
    ("2001:4:112::/48", AddressClass.AS112, "RFC 7535"),
    ("2001:10::/28", AddressClass.ORCHID, "RFC 4843, deprecated"),
    ("2001:20::/28", AddressClass.ORCHID, "RFC 7343"),
    ("2001:30::/28", AddressClass.DRONE_ID, "RFC 9374"),
    ("2001::/23", AddressClass.IETF_PROTOCOL, "RFC 2928"),
    ("2001:db8::/32", AddressClass.DOCUMENTATION, "RFC 3849"),
    ("2002::/16", AddressClass.SIX_TO_FOUR, "RFC 3056"),
    ("2620:4f:8000::/48", AddressClass.AS112, "RFC 7534"),
    ("3fff::/20", AddressClass.DOCUMENTATION, "RFC 9637"),
    ("5f00::/16", AddressClass.SRV6, "RFC 9602"),
    ("fc00::/7", AddressClass.UNIQUE_LOCAL, "RFC 4193"),
    ("fe80::/10", AddressClass.LINK_LOCAL, "RFC 4291 §2.5.6"),
    ("fec0::/10", AddressClass.SITE_LOCAL, "RFC 3879, deprecated"),
    ("ff00::/8", AddressClass.MULTICAST, "RFC 4291 §2.7"),
)

_V4: Final = tuple((n, c) for n, c in ((ip_network(t), c) for t, c, _ in RANGES) if isinstance(n, IPv4Network))
_V6: Final = tuple((n, c) for n, c in ((ip_network(t), c) for t, c, _ in RANGES) if isinstance(n, IPv6Network))
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291 §2.4, RFC 3587

# What a resolver or a URL parser would read as IPv4: the last label is a number (WHATWG URL, "ends in a number").
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_DOTTED_QUAD: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)


class LiteralError(ValueError):
    """A host is written as an address, but not in the one spelling that is accepted."""


def classify(address: IPAddress) -> AddressClass:
    """Tell whether an address is public, or by which special range it is not."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4 if address in network), AddressClass.PUBLIC)
    for network, kind in _V6:
        if address in network:
            return kind
    return AddressClass.PUBLIC if address in _GLOBAL_UNICAST else AddressClass.RESERVED


def parse_literal(text: str) -> IPAddress | None:
    """Read a host as an address: a dotted quad, or IPv6 with or without brackets. None: it is a name.

    Raises:
        LiteralError: an address in another spelling. Decimal, hex, octal and short IPv4 forms (`2130706433`,
            `0x7f.1`, `0177.0.0.1`, `127.1`) mean different hosts to different parsers; a zone id (`fe80::1%eth0`)
            names an interface of this machine.
    """
    bracketed = text.startswith("[") or text.endswith("]")
    if bracketed or ":" in text:
        return _parse_v6(text, bracketed=bracketed)
    if _NUMERIC_LABEL.fullmatch(text.removesuffix(".").rpartition(".")[2]):
        return _parse_v4(text)
    return None


def _parse_v4(text: str) -> IPv4Address:
    if not _DOTTED_QUAD.fullmatch(text):
        raise LiteralError("not a dotted-quad IPv4 address")
    try:
        return IPv4Address(text)  # refuses parts above 255 and leading zeros
    except ValueError:
        raise LiteralError("not a canonical IPv4 address") from None


def _parse_v6(text: str, *, bracketed: bool) -> IPv6Address:
    if bracketed:
        if not (text.startswith("[") and text.endswith("]")):
            raise LiteralError("unbalanced brackets")
        text = text[1:-1]
    if "%" in text:
        raise LiteralError("an IPv6 zone id is not accepted")
    try:
        return IPv6Address(text)
    except ValueError:
        raise LiteralError("not an IPv6 address") from None
