"""What a session may reach. Pure: a frozen policy and facts in, a decision with its reason out.

A connection is judged twice. `decide_host` sees what the page asked for, before anything is resolved, so that a
refused name is not even looked up. `decide_addresses` sees everything the name resolved to, and one bad address
refuses the whole: a name that mixes public and private addresses is an attack or a mistake. What passes both is
dialled at one of those addresses and at no other, so a name that changes its mind gains nothing.

Order: deny lists win over all; then what `private_hosts` names exactly is open; then ports, then the allow list,
then the address ranges. `private_hosts` is an allow entry too, for that host and port.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from cloche.egress.addresses import AddressClass, IPAddress, classify
from cloche.egress.hosts import (
    Host,
    HostPattern,
    PrivateCeiling,
    PrivateHost,
    is_loopback_name,
    parse_host_pattern,
    parse_host_patterns,
    parse_private_ceiling,
    parse_private_host,
    parse_private_hosts,
    private_hosts_outside,
)
from cloche.egress.ports import ALL_SCHEMES, DEFAULT_PORTS, PortRule, Scheme, parse_ports
from cloche.egress.upstream_url import Upstream, UpstreamKind, parse_upstream

# What makes a policy is imported from here, wherever it is defined.
__all__ = [
    "Decision",
    "EgressPolicy",
    "HostPattern",
    "PortRule",
    "PrivateCeiling",
    "PrivateHost",
    "RefusalReason",
    "Scheme",
    "Upstream",
    "UpstreamKind",
    "decide_addresses",
    "decide_host",
    "decide_upstream",
    "parse_host_pattern",
    "parse_host_patterns",
    "parse_ports",
    "parse_private_ceiling",
    "parse_private_host",
    "parse_private_hosts",
    "parse_upstream",
    "private_hosts_outside",
]


class RefusalReason(StrEnum):
    """Why a connection was refused: stable, shown to users, a metric label."""

    HOST_DENIED = "host_denied"
    HOST_NOT_ALLOWED = "host_not_allowed"
    HOST_MALFORMED = "host_malformed"
    PORT_NOT_ALLOWED = "port_not_allowed"
    SCHEME_NOT_ALLOWED = "scheme_not_allowed"
    ADDRESS_NOT_CANONICAL = "address_not_canonical"
    ADDRESS_NOT_PUBLIC = "address_not_public"
    UPSTREAM_NOT_PUBLIC = "upstream_not_public"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    BUDGET_EXHAUSTED = "budget_exhausted"
    PROTOCOL_ERROR = "protocol_error"
    HANDSHAKE_TIMEOUT = "handshake_timeout"


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed when `reason` is None. `rule` says which entry, range or limit decided; it holds no address."""

    reason: RefusalReason | None = None
    rule: str = ""

    @property
    def allowed(self) -> bool:
        return self.reason is None


ALLOWED: Final = Decision()


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """Everything one session's gateway decides by. The default reaches the public web and nothing else."""

    schemes: frozenset[Scheme] = ALL_SCHEMES
    ports: PortRule = DEFAULT_PORTS
    allow_hosts: tuple[HostPattern, ...] = ()
    """Empty: every host. Otherwise only these."""
    deny_hosts: tuple[HostPattern, ...] = ()
    private_hosts: tuple[PrivateHost, ...] = ()
    own_addresses: bool = False
    """May reach public addresses of this very machine. Off: a connection from inside passes firewalls meant for
    the outside."""
    upstream: Upstream | None = None
    max_bytes: int | None = None
    """Both ways together, over the session's life. None: no limit."""
    max_connections: int = 256
    """At once. Chromium opens at most 32 to a SOCKS proxy, and at most 255 WebSockets."""
    connect_timeout_s: float = 15.0
    handshake_timeout_s: float = 10.0
    idle_timeout_s: float = 900.0
    connection_lifetime_s: float = 86_400.0


# What a name in `private_hosts` may resolve to. Its DNS may be in other hands than the one who named it, so the
# rest (above all link-local, where cloud metadata lives) opens only as a literal.
_OPENED_BY_NAME: Final = frozenset(
    {
        AddressClass.PRIVATE,
        AddressClass.UNIQUE_LOCAL,
        AddressClass.LOOPBACK,
        AddressClass.CGNAT,
        AddressClass.BENCHMARKING,
    }
)
# Never a destination, not even when named: no host has these, or they are a second spelling of another address.
_NEVER_OPENED: Final = frozenset(
    {
        AddressClass.UNSPECIFIED,
        AddressClass.BROADCAST,
        AddressClass.MULTICAST,
        AddressClass.V4_MAPPED,
        AddressClass.V4_COMPATIBLE,
    }
)


def decide_host(policy: EgressPolicy, host: Host, port: int) -> Decision:
    """Judge what was asked for before resolving it."""
    if denied := _match(policy.deny_hosts, host):
        return Decision(RefusalReason.HOST_DENIED, denied.text)
    if PrivateHost(host, port) in policy.private_hosts:
        return ALLOWED
    if not policy.ports.permits(port):
        return Decision(RefusalReason.PORT_NOT_ALLOWED, str(port))
    if policy.allow_hosts and not _may_be_allowed(policy, host):
        return Decision(RefusalReason.HOST_NOT_ALLOWED, "no allow entry matches")
    if is_loopback_name(host):
        return Decision(RefusalReason.ADDRESS_NOT_PUBLIC, AddressClass.LOOPBACK.value)
    return ALLOWED


def decide_addresses(policy: EgressPolicy, host: Host, port: int, addresses: Sequence[IPAddress]) -> Decision:
    """Judge everything the host resolved to; for an address literal that is the address itself.

    An empty sequence means that only the upstream can resolve the name: what must be known by address is then
    not allowed.
    """
    named = PrivateHost(host, port) in policy.private_hosts
    for address in addresses:
        if denied := next((entry for entry in policy.deny_hosts if entry.matches_address(address)), None):
            return Decision(RefusalReason.HOST_DENIED, denied.text)
        kind = classify(address)
        if kind is not AddressClass.PUBLIC and not (named and _opens(host, kind)):
            return Decision(RefusalReason.ADDRESS_NOT_PUBLIC, kind.value)
    if named or not policy.allow_hosts or _match(policy.allow_hosts, host):
        return ALLOWED
    if addresses and all(any(entry.matches_address(a) for entry in policy.allow_hosts) for a in addresses):
        return ALLOWED
    return Decision(RefusalReason.HOST_NOT_ALLOWED, "no allow entry matches")


def decide_upstream(policy: EgressPolicy, upstream: Upstream, addresses: Sequence[IPAddress]) -> Decision:
    """Judge where the chained proxy stands. The host lists speak of destinations, not of the proxy."""
    if upstream.trusted:
        return ALLOWED
    named = PrivateHost(upstream.host, upstream.port) in policy.private_hosts
    for address in addresses:
        kind = classify(address)
        if kind is not AddressClass.PUBLIC and not (named and _opens(upstream.host, kind)):
            return Decision(RefusalReason.UPSTREAM_NOT_PUBLIC, kind.value)
    return ALLOWED


def _match(entries: Sequence[HostPattern], host: Host) -> HostPattern | None:
    literal = host if isinstance(host, IPv4Address | IPv6Address) else None
    for entry in entries:
        if entry.matches_name(host) or (literal is not None and entry.matches_address(literal)):
            return entry
    return None


def _may_be_allowed(policy: EgressPolicy, host: Host) -> bool:
    """Whether the allow list names the host, or could still match on what the host resolves to."""
    if _match(policy.allow_hosts, host):
        return True
    return isinstance(host, str) and any(entry.network is not None for entry in policy.allow_hosts)


def _opens(host: Host, kind: AddressClass) -> bool:
    """Whether an entry of `private_hosts` for this host opens addresses of this kind."""
    return kind in _OPENED_BY_NAME if isinstance(host, str) else kind not in _NEVER_OPENED
