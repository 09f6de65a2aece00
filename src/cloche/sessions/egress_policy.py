"""From what a caller asked of the network to the frozen policy of a gateway. Pure."""

from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from cloche.egress.policy import (
    EgressPolicy,
    PortRule,
    PrivateCeiling,
    Scheme,
    Upstream,
    parse_host_patterns,
    parse_ports,
    parse_private_hosts,
    parse_upstream,
    private_hosts_outside,
)
from cloche.errors import DeniedError
from cloche.sessions.model import EgressOptions, SessionOptions


@dataclass(frozen=True, slots=True)
class EgressCeiling:
    """What the server lets a session ask for. `private_hosts` None: anything may be named."""

    private_hosts: tuple[PrivateCeiling, ...] | None
    base: EgressPolicy


def effective_policy(options: SessionOptions, upstream_url: str | None, ceiling: EgressCeiling) -> EgressPolicy:
    """Parse and check a session's egress options.

    Raises:
        InvalidError: an entry is malformed; `field` names the list.
        DeniedError: a private host outside the server's ceiling.
    """
    asked = options.egress
    private_hosts = parse_private_hosts(asked.private_hosts, field="egress.private_hosts")
    if outside := private_hosts_outside(private_hosts, ceiling.private_hosts):
        raise DeniedError(
            "this server does not open that private host", field="egress.private_hosts", host=str(outside[0])
        )
    return replace(
        ceiling.base,
        allow_hosts=parse_host_patterns(asked.allow_hosts, field="egress.allow_hosts"),
        deny_hosts=(*ceiling.base.deny_hosts, *parse_host_patterns(asked.deny_hosts, field="egress.deny_hosts")),
        private_hosts=private_hosts,
        ports=_ports(asked.ports, ceiling.base.ports),
        schemes=frozenset(Scheme(name) for name in asked.schemes) or ceiling.base.schemes,
        upstream=_upstream(upstream_url) or ceiling.base.upstream,
        max_bytes=options.budget.egress_bytes,
        max_connections=options.budget.egress_connections,
    )


def _ports(asked: tuple[str, ...], open_ports: PortRule) -> PortRule:
    """Narrow what the server opens; a session cannot widen it."""
    if not asked:
        return open_ports
    return open_ports.narrowed(parse_ports(",".join(asked), field="egress.ports"))


def without_credentials(options: EgressOptions) -> EgressOptions:
    """What may be stored in the clear and shown: the upstream's URL without its user and password."""
    upstream = _upstream(options.upstream)
    return replace(options, upstream=_shown(upstream) if upstream else None)


def _shown(upstream: Upstream) -> str:
    host = f"[{upstream.host}]" if isinstance(upstream.host, IPv6Address) else upstream.host
    return f"{upstream.kind}://{host}:{upstream.port}" + ("?resolve=upstream" if upstream.resolves else "")


def _upstream(url: str | None) -> Upstream | None:
    return parse_upstream(url, field="egress.upstream") if url else None
