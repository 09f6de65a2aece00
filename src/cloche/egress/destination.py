"""From what a client asked for to a connected socket: judge, resolve, judge again, dial."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from cloche.egress.addresses import AddressClass, IPAddress, LiteralError, classify
from cloche.egress.connect import ConnectError, Dial, is_own_address
from cloche.egress.hosts import Host, HostError, parse_host
from cloche.egress.lookups import NameNotFoundError, NameServiceError, ResolveError
from cloche.egress.policy import (
    Decision,
    EgressPolicy,
    RefusalReason,
    decide_addresses,
    decide_host,
    decide_upstream,
)
from cloche.egress.resolver import Resolver
from cloche.egress.socks5 import Reply
from cloche.egress.upstream import Tunnel, open_tunnel
from cloche.egress.upstream_url import Upstream

# One page that asks for many slow names must not take all of the shared resolver's threads.
LOOKUPS_PER_SESSION: Final = 8


class RefusedError(Exception):
    """The policy says no. `decision` says why."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.rule)
        self.decision = decision


class Destinations:
    """Opens connections under one policy. Owned by a gateway; keeps nothing of what it opens."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver, dial: Dial) -> None:
        self._policy = policy
        self._resolver = resolver
        self._dial = dial
        self._lookups = asyncio.Semaphore(LOOKUPS_PER_SESSION)

    async def open(self, host_text: str, port: int) -> Tunnel:
        """Connect to what a client asked for, within `connect_timeout_s` for everything together.

        Raises:
            RefusedError: against the policy.
            ConnectError: allowed, but not to be reached.
        """
        host = _parsed(host_text)
        _require(decide_host(self._policy, host, port))
        try:
            async with asyncio.timeout(self._policy.connect_timeout_s):
                return await self._open(host, port)
        except TimeoutError:
            raise ConnectError(Reply.TTL_EXPIRED, "no connection in time") from None
        except NameNotFoundError:
            raise ConnectError(Reply.HOST_UNREACHABLE, "no such name") from None
        except NameServiceError:
            raise ConnectError(Reply.GENERAL_FAILURE, "the name could not be looked up") from None

    async def _open(self, host: Host, port: int) -> Tunnel:
        upstream = self._policy.upstream
        addresses = await self._destination_addresses(host)
        _require(decide_addresses(self._policy, host, port, addresses))
        self._require_foreign(addresses, RefusalReason.ADDRESS_NOT_PUBLIC)
        if upstream is not None:
            target = host if upstream.resolves or not addresses else _for_proxy(addresses)
            return await self._through(upstream, target, port)
        return Tunnel(await self._dial(addresses, port, timeout_s=self._policy.connect_timeout_s))

    async def _through(self, upstream: Upstream, target: Host, port: int) -> Tunnel:
        addresses = await self._addresses(upstream.host)
        _require(decide_upstream(self._policy, upstream, addresses))
        if not upstream.trusted:
            self._require_foreign(addresses, RefusalReason.UPSTREAM_NOT_PUBLIC)
        timeout_s = self._policy.connect_timeout_s
        sock = await self._dial(addresses, upstream.port, timeout_s=timeout_s)
        return await open_tunnel(sock, upstream, target, port, timeout_s=timeout_s)

    async def _destination_addresses(self, host: Host) -> Sequence[IPAddress]:
        try:
            return await self._addresses(host)
        except ResolveError:
            if self._policy.upstream is not None and self._policy.upstream.resolves:
                return ()
            raise

    async def _addresses(self, host: Host) -> Sequence[IPAddress]:
        if isinstance(host, IPv4Address | IPv6Address):
            return (host,)
        async with self._lookups:
            return await self._resolver.resolve(host)

    def _require_foreign(self, addresses: Sequence[IPAddress], reason: RefusalReason) -> None:
        """Refuse this machine's own public addresses. What is not public was let through by name, on purpose."""
        if self._policy.own_addresses:
            return
        if any(classify(address) is AddressClass.PUBLIC and is_own_address(address) for address in addresses):
            raise RefusedError(Decision(reason, AddressClass.THIS_MACHINE.value))


def _parsed(host_text: str) -> Host:
    try:
        return parse_host(host_text)
    except LiteralError as error:
        raise RefusedError(Decision(RefusalReason.ADDRESS_NOT_CANONICAL, str(error))) from None
    except HostError as error:
        raise RefusedError(Decision(RefusalReason.HOST_MALFORMED, str(error))) from None


def _require(decision: Decision) -> None:
    if not decision.allowed:
        raise RefusedError(decision)


def _for_proxy(addresses: Sequence[IPAddress]) -> IPAddress:
    """A proxy is given one address and tries no other: IPv4 where there is a choice, every proxy has that."""
    return next((address for address in addresses if address.version == 4), addresses[0])
