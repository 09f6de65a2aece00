"""Which ports a session may reach, and which protocols may be spoken there. Pure.

SOCKS names a host and a port, never a scheme, and web services listen on any port. So the port rule is: every port
but those where speaking HTTP does harm. That is the "bad port" list of the Fetch standard (§2.9, port blocking),
which Chromium keeps too, and the stores and remote-control services that take a stray HTTP request for commands.

The scheme rule looks at the first byte a client sends, which tells the two that a browser needs apart from all
else: a TLS record starts with 0x16 (RFC 8446 §5.1), an HTTP/1.1 request with a token character (RFC 9112 §3).
WebSockets start as one of the two. TURN over TCP (RFC 8656), a way for WebRTC to leave, starts with neither.
"""

import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloche.errors import InvalidError

MAX_PORT_ENTRIES: Final = 64
LAST_PORT: Final = 65535

_FETCH_BAD_PORTS: Final = (
    *(
        1,
        7,
        9,
        11,
        13,
        15,
        17,
        19,
        20,
        21,
        22,
        23,
        25,
        37,
        42,
        43,
        53,
        69,
        77,
        79,
        87,
        95,
        101,
        102,
        103,
        104,
        109,
        110,
    ),
    *(
        111,
        113,
        115,
        117,
        119,
        123,
        135,
        137,
        139,
        143,
        161,
        179,
        389,
        427,
        465,
        512,
        513,
        514,
        515,
        526,
        530,
        531,
        532,
    ),
    *(540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061),
    *(6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
)
_STORES_AND_CONTROL: Final = (
    *(136, 138, 445, 873),  # NetBIOS, SMB, rsync
    *(
        1433,
        1434,
        1521,
        3306,
        5432,
        6379,
        11211,
        27017,
    ),  # SQL Server, Oracle, MySQL, PostgreSQL, Redis, memcached, MongoDB
    *(2375, 3389, 5900),  # Docker's API in the clear, RDP, VNC
)
DENIED_PORTS: Final = frozenset(_FETCH_BAD_PORTS + _STORES_AND_CONTROL)

_TLS_HANDSHAKE: Final = 0x16
_TOKEN: Final = frozenset(f"!#$%&'*+-.^_`|~{string.digits}{string.ascii_letters}".encode())  # RFC 9110 §5.6.2, tchar


class Scheme(StrEnum):
    HTTP = "http"
    HTTPS = "https"


ALL_SCHEMES: Final = frozenset(Scheme)


@dataclass(frozen=True, slots=True)
class PortRule:
    """Inclusive ranges that are open, and ports that stay closed within them."""

    ranges: tuple[tuple[int, int], ...] = ((1, LAST_PORT),)
    denied: frozenset[int] = DENIED_PORTS

    def permits(self, port: int) -> bool:
        return port not in self.denied and any(first <= port <= last for first, last in self.ranges)

    def narrowed(self, other: "PortRule") -> "PortRule":
        """What both rules permit."""
        both = ((max(a, c), min(b, d)) for a, b in self.ranges for c, d in other.ranges)
        return PortRule(tuple((low, high) for low, high in both if low <= high), self.denied | other.denied)


DEFAULT_PORTS: Final = PortRule()


def parse_ports(text: str, *, field: str = "ports") -> PortRule:
    """Read `443, 8000-8999`. A port named alone is meant, so it opens even where the default keeps it closed.

    Raises:
        InvalidError: not ports and ranges between commas, or more than 64.
    """
    entries = text.split(",", MAX_PORT_ENTRIES)
    if len(entries) > MAX_PORT_ENTRIES:
        raise InvalidError(f"at most {MAX_PORT_ENTRIES} ports or ranges", field=field)
    ranges = tuple(_range(entry, field) for entry in entries)
    named = {first for first, last in ranges if first == last}
    return PortRule(ranges, DENIED_PORTS - named)


def scheme_of(first_byte: int) -> Scheme | None:
    """Tell from the first byte a client sends what it speaks. None: neither HTTP nor TLS."""
    if first_byte == _TLS_HANDSHAKE:
        return Scheme.HTTPS
    return Scheme.HTTP if first_byte in _TOKEN else None


def _range(text: str, field: str) -> tuple[int, int]:
    first, dash, last = text.strip().partition("-")
    ends = (first, last if dash else first)
    if not all(end.isascii() and end.isdecimal() and len(end) <= 5 for end in ends):
        raise InvalidError(f"{text[:40]!r} is not a port or a range of ports", field=field)
    low, high = int(ends[0]), int(ends[1])
    if not 1 <= low <= high <= LAST_PORT:
        raise InvalidError(f"{text[:40]!r} is not a range within 1-{LAST_PORT}", field=field)
    return low, high
