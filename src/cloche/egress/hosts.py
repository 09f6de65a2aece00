"""Hosts as text: what a page may ask for, what a list may hold, what `private_hosts` names. Pure.

A host is an address or a name in A-label form (RFC 5890: ASCII, lower case, no trailing dot). List entries are:

    example.com       this name, not what is below it
    *.example.com     every name below it at any depth, not the name itself
    203.0.114.7       this address, as a literal or as what a name resolves to
    203.0.114.0/24    every address in the network, likewise
    *                 everything
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final, NewType, TypeVar

import idna

from cloche.egress.addresses import IPAddress, IPNetwork, LiteralError, parse_literal
from cloche.errors import InvalidError

HostName = NewType("HostName", str)
Host = HostName | IPv4Address | IPv6Address

T = TypeVar("T")

MAX_LIST_ENTRIES: Final = 256
_MAX_TEXT: Final = 512
_MAX_NAME: Final = 253  # RFC 1035 §2.3.4, as text without the root's dot
# Underscores are no host names by RFC 952, but sites use them and resolvers answer.
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)


class HostError(ValueError):
    """The text is neither a canonical address nor a host name."""


def parse_host(text: str) -> Host:
    """Read what a SOCKS client asked for. Names come as A-labels already: anything but ASCII is refused.

    Raises:
        LiteralError: an address in a spelling that is not accepted.
        HostError: not a host name.
    """
    literal = parse_literal(text)
    if literal is not None:
        return literal
    name = text.removesuffix(".").lower()
    # The text, not the name: lower() makes ASCII of a few other letters, such as the Kelvin sign.
    if not text.isascii() or len(name) > _MAX_NAME or not all(_LABEL.fullmatch(part) for part in name.split(".")):
        raise HostError("not a host name")
    return HostName(name)


def is_loopback_name(host: Host) -> bool:
    """Whether a name means this machine whatever a resolver says (RFC 6761 §6.3)."""
    return isinstance(host, str) and (host == "localhost" or host.endswith(".localhost"))


@dataclass(frozen=True, slots=True)
class HostPattern:
    """One entry of an allow or deny list. `text` is its canonical form; the rest is what it matches on."""

    text: str
    name: str = ""
    below: bool = False
    network: IPNetwork | None = None

    def matches_name(self, host: Host) -> bool:
        """Whether this entry names the host, without looking at any address."""
        if self.text == "*":
            return True
        if self.network is not None or not isinstance(host, str):
            return False
        return host.endswith(f".{self.name}") if self.below else host == self.name

    def matches_address(self, address: IPAddress) -> bool:
        if self.text == "*":
            return True
        return self.network is not None and address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True)
class PrivateHost:
    """One exact `host:port` that a session may reach although its address is not public."""

    host: Host
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if isinstance(self.host, IPv6Address) else str(self.host)
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PrivateCeiling:
    """One entry of what sessions of this server may name as private: a pattern, and a port or any port."""

    pattern: HostPattern
    port: int | None

    def covers(self, asked: PrivateHost) -> bool:
        if self.port is not None and self.port != asked.port:
            return False
        if isinstance(asked.host, str):
            return self.pattern.matches_name(asked.host)
        return self.pattern.matches_address(asked.host)


def parse_host_pattern(text: str, *, field: str = "allow_hosts") -> HostPattern:
    """Read one entry of an allow or deny list; names may be Unicode (IDNA 2008 with the UTS 46 mapping).

    Raises:
        InvalidError: none of the forms above; `field` names the list.
    """
    text = _trimmed(text, field)
    if text == "*":
        return HostPattern("*")
    if "/" in text:
        return _network_pattern(text, field)
    below = text.startswith("*.")
    host = _user_host(text.removeprefix("*."), field)
    if isinstance(host, str):
        return HostPattern(f"*.{host}" if below else host, name=host, below=below)
    if below:
        raise InvalidError(f"{_shown(text)} is a wildcard before an address", field=field)
    return HostPattern(str(host), network=ip_network(host))


def parse_host_patterns(texts: Iterable[str], *, field: str) -> tuple[HostPattern, ...]:
    """Read a whole list, without repetitions. Raises InvalidError for a bad entry or more than 256."""
    return _bounded((parse_host_pattern(text, field=field) for text in texts), field)


def parse_private_host(text: str, *, field: str = "private_hosts") -> PrivateHost:
    """Read `127.0.0.1:8000`, `intranet.test:443` or `[::1]:8000`; the port must be given.

    Raises:
        InvalidError: no port, a wildcard, a network, or not a host.
    """
    host_text, port_text = _split_port(_trimmed(text, field), field)
    return PrivateHost(_user_host(host_text, field), _port(port_text, field))


def parse_private_hosts(texts: Iterable[str], *, field: str = "private_hosts") -> tuple[PrivateHost, ...]:
    """Read a whole list, without repetitions. Raises InvalidError for a bad entry or more than 256."""
    return _bounded((parse_private_host(text, field=field) for text in texts), field)


def parse_private_ceiling(text: str, *, field: str = "private_hosts_ceiling") -> PrivateCeiling:
    """Read `*.corp.test:443`, `10.0.0.0/8:*`, `[::1]:*`: a pattern as in the lists, and a port or `*`.

    Raises:
        InvalidError: not of that form.
    """
    host_text, port_text = _split_port(_trimmed(text, field), field)
    pattern = parse_host_pattern(host_text, field=field)
    return PrivateCeiling(pattern, None if port_text == "*" else _port(port_text, field))


def private_hosts_outside(
    asked: Iterable[PrivateHost], ceiling: Iterable[PrivateCeiling] | None
) -> tuple[PrivateHost, ...]:
    """Return what was asked for and is not under the server's ceiling. `None` lets a session name anything."""
    if ceiling is None:
        return ()
    limits = tuple(ceiling)
    return tuple(entry for entry in asked if not any(limit.covers(entry) for limit in limits))


def _user_host(text: str, field: str) -> Host:
    """Read a host that a person typed: Unicode is mapped to A-labels first."""
    try:
        if not text.isascii():
            text = idna.encode(text.rstrip("."), uts46=True).decode("ascii")
        return parse_host(text)
    except (LiteralError, HostError, idna.IDNAError) as error:
        raise InvalidError(f"{_shown(text)} is not a host: {error}", field=field) from None


def _network_pattern(text: str, field: str) -> HostPattern:
    address_text, _, length = text.rpartition("/")
    try:
        address = parse_literal(address_text)
        if address is None or not length.isdecimal() or not length.isascii():
            raise LiteralError("a network is written address/length")
        network = ip_network(f"{address}/{length}", strict=True)
    except ValueError as error:
        raise InvalidError(f"{_shown(text)} is not a network: {error}", field=field) from None
    return HostPattern(str(network), network=network)


def _split_port(text: str, field: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    # An IPv6 address needs its brackets here: in `::1:8000` nobody can tell the port.
    if not colon or not host or (":" in host and not host.startswith("[")):
        raise InvalidError(f"{_shown(text)} is not host:port", field=field)
    return host, port


def _port(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise InvalidError(f"{_shown(text)} is not a port from 1 to 65535", field=field)
    return int(text)


def _trimmed(text: str, field: str) -> str:
    if len(text) > _MAX_TEXT:
        raise InvalidError("an entry is too long", field=field)
    return text.strip()


def _shown(text: str) -> str:
    return repr(text[:80])


def _bounded(entries: Iterable[T], field: str) -> tuple[T, ...]:
    unique: dict[T, None] = {}
    for count, entry in enumerate(entries, start=1):
        if count > MAX_LIST_ENTRIES:
            raise InvalidError(f"at most {MAX_LIST_ENTRIES} entries", field=field)
        unique[entry] = None
    return tuple(unique)
