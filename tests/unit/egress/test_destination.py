import asyncio
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from cloche.clock import SystemClock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.connect import ConnectError
from cloche.egress.destination import LOOKUPS_PER_SESSION, Destinations, RefusedError
from cloche.egress.lookups import NameServiceError
from cloche.egress.policy import (
    EgressPolicy,
    RefusalReason,
    parse_host_patterns,
    parse_private_hosts,
    parse_upstream,
)
from cloche.egress.resolver import Resolver
from cloche.egress.socks5 import Reply
from cloche.testing import netns

PUBLIC, OTHER = "9.9.9.9", "9.9.9.10"


def fresh(lookup: Any) -> Resolver:
    return Resolver(lookup, SystemClock(), positive_ttl_s=0, negative_ttl_s=0)


async def reach(destinations: Destinations, host: str, port: int) -> None:
    async with asyncio.timeout(5):
        (await destinations.open(host, port)).sock.close()


async def refusal_of(destinations: Destinations, host: str, port: int) -> tuple[RefusalReason | None, str]:
    with pytest.raises(RefusedError) as caught:
        await reach(destinations, host, port)
    return caught.value.decision.reason, caught.value.decision.rule


async def test_only_checked_addresses_are_dialled(names: Any, dialled: Any, echo_port: int) -> None:
    names["site.test"] = [PUBLIC, OTHER]
    await reach(Destinations(EgressPolicy(), fresh(names), dialled), "Site.Test.", echo_port)
    assert names.asked == ["site.test"]
    assert dialled.addresses == [[PUBLIC, OTHER]]


async def test_a_refused_name_is_not_even_looked_up(names: Any, dialled: Any) -> None:
    policy = EgressPolicy(deny_hosts=parse_host_patterns(["*.test"], field="deny_hosts"))
    assert await refusal_of(Destinations(policy, fresh(names), dialled), "site.test", 80) == ("host_denied", "*.test")
    assert names.asked == dialled.addresses == []


async def test_a_name_that_turns_private_is_refused_then(names: Any, dialled: Any, echo_port: int) -> None:
    destinations = Destinations(EgressPolicy(), fresh(names), dialled)
    names["rebind.test"] = [PUBLIC]
    await reach(destinations, "rebind.test", echo_port)
    names["rebind.test"] = ["127.0.0.1"]
    assert await refusal_of(destinations, "rebind.test", echo_port) == ("address_not_public", "loopback")
    names["rebind.test"] = [PUBLIC, "169.254.169.254"]
    assert await refusal_of(destinations, "rebind.test", echo_port) == ("address_not_public", "link_local")
    assert dialled.addresses == [[PUBLIC]]


async def test_what_was_cached_is_judged_again_by_each_session(names: Any, dialled: Any, echo_port: int) -> None:
    # One resolver serves all sessions: what one of them may reach must not open it to another.
    shared = Resolver(names, SystemClock())
    names["intranet.test"] = ["127.0.0.1"]
    allowed = EgressPolicy(private_hosts=parse_private_hosts([f"intranet.test:{echo_port}"]))
    await reach(Destinations(allowed, shared, dialled), "intranet.test", echo_port)
    other = Destinations(EgressPolicy(), shared, dialled)
    assert await refusal_of(other, "intranet.test", echo_port) == ("address_not_public", "loopback")
    assert len(names.asked) == 1


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("2130706433", "address_not_canonical"),
        ("0x7f.1", "address_not_canonical"),
        ("127.1", "address_not_canonical"),
        ("fe80::1%lo", "address_not_canonical"),
        ("", "host_malformed"),
        ("a b", "host_malformed"),
        ("127.0.0.1", "address_not_public"),
        ("::1", "address_not_public"),
        ("[::1]", "address_not_public"),
        ("::ffff:9.9.9.9", "address_not_public"),
        ("localhost", "address_not_public"),
    ],
)
async def test_odd_hosts_are_refused_before_anything_is_looked_up(
    names: Any, dialled: Any, host: str, reason: str
) -> None:
    assert (await refusal_of(Destinations(EgressPolicy(), fresh(names), dialled), host, 80))[0] == reason
    assert names.asked == dialled.addresses == []


async def test_an_absent_name_and_a_silent_resolver_have_their_replies(names: Any, dialled: Any) -> None:
    async def broken(name: str) -> list[IPv4Address]:
        raise NameServiceError("broken")

    for lookup, reply in ((names, Reply.HOST_UNREACHABLE), (broken, Reply.GENERAL_FAILURE)):
        with pytest.raises(ConnectError) as caught:
            await reach(Destinations(EgressPolicy(), fresh(lookup), dialled), "absent.test", 80)
        assert caught.value.reply is reply


async def test_resolving_and_dialling_share_one_deadline(dialled: Any) -> None:
    async def silent(name: str) -> list[IPv4Address]:
        await asyncio.Event().wait()
        return []

    resolver = fresh(silent)
    with pytest.raises(ConnectError) as caught:
        await reach(Destinations(EgressPolicy(connect_timeout_s=0.05), resolver, dialled), "site.test", 80)
    assert caught.value.reply is Reply.TTL_EXPIRED
    await resolver.close()


async def test_one_sessions_slow_names_leave_lookups_to_others(dialled: Any) -> None:
    waiting: list[str] = []

    async def silent(name: str) -> list[IPv4Address]:
        waiting.append(name)
        await asyncio.Event().wait()
        return []

    resolver = fresh(silent)
    destinations = Destinations(EgressPolicy(), resolver, dialled)
    opening = [
        spawn(destinations.open(f"slow{number}.test", 80), name="open") for number in range(3 * LOOKUPS_PER_SESSION)
    ]
    for _ in range(20):  # turns of the loop: more than any of them needs to get as far as it can
        await asyncio.sleep(0)
    assert len(waiting) == LOOKUPS_PER_SESSION
    await cancel_and_wait(*opening)
    await resolver.close()


async def test_a_public_address_of_this_machine_is_refused_unless_the_server_opens_it(
    names: Any, dialled: Any, echo_port: int
) -> None:
    names["self.test"], names["site.test"] = [OTHER, netns.PUBLIC_LOOKING[0]], [OTHER]
    guarded = Destinations(EgressPolicy(), fresh(names), dialled)
    assert await refusal_of(guarded, "self.test", echo_port) == ("address_not_public", "this_machine")
    await reach(guarded, "site.test", echo_port)
    await reach(Destinations(EgressPolicy(own_addresses=True), fresh(names), dialled), "self.test", echo_port)


async def test_a_proxy_is_given_a_checked_address(peers: Any, names: Any, dialled: Any, proxy: Any) -> None:
    dialled.port = await peers.listen(proxy.http)
    names["site.test"], names["proxy.test"] = ["2606:2800::1", PUBLIC], [OTHER]
    policy = EgressPolicy(upstream=parse_upstream("http://proxy.test:3128"))
    await reach(Destinations(policy, fresh(names), dialled), "site.test", 443)
    assert dialled.addresses == [[OTHER]]
    assert proxy.asked == [f"CONNECT {PUBLIC}:443 HTTP/1.1"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_proxy_that_resolves_is_given_the_name(
    peers: Any, names: Any, dialled: Any, proxy: Any, known: bool
) -> None:
    dialled.port = await peers.listen(proxy.socks5)
    names["proxy.test"] = [OTHER]
    if known:
        names["site.test"] = [PUBLIC]
    policy = EgressPolicy(upstream=parse_upstream("socks5h://proxy.test"))
    await reach(Destinations(policy, fresh(names), dialled), "site.test", 443)
    assert proxy.asked == ["site.test:443"]


async def test_what_is_known_to_be_private_is_not_sent_to_a_proxy_that_resolves(names: Any, dialled: Any) -> None:
    names["proxy.test"], names["intranet.test"] = [OTHER], ["10.0.0.1"]
    policy = EgressPolicy(upstream=parse_upstream("socks5h://proxy.test"))
    refused = await refusal_of(Destinations(policy, fresh(names), dialled), "intranet.test", 443)
    assert refused == ("address_not_public", "private")
    assert dialled.addresses == []


async def test_a_name_that_only_the_proxy_could_resolve_fails_without_its_leave(names: Any, dialled: Any) -> None:
    names["proxy.test"] = [OTHER]
    policy = EgressPolicy(upstream=parse_upstream("socks5://proxy.test"))
    with pytest.raises(ConnectError):
        await reach(Destinations(policy, fresh(names), dialled), "site.test", 443)
    assert dialled.addresses == []


async def test_a_proxy_on_a_private_address_must_be_the_servers_own(
    peers: Any, names: Any, dialled: Any, proxy: Any
) -> None:
    port = await peers.listen(proxy.http)
    names["site.test"] = [PUBLIC]
    asked = EgressPolicy(upstream=parse_upstream(f"http://127.0.0.1:{port}"))
    refused = await refusal_of(Destinations(asked, fresh(names), dialled), "site.test", 443)
    assert refused == ("upstream_not_public", "loopback")
    trusted = replace(asked, upstream=parse_upstream(f"http://127.0.0.1:{port}", trusted=True))
    await reach(Destinations(trusted, fresh(names), dialled), "site.test", 443)
    assert proxy.asked == [f"CONNECT {PUBLIC}:443 HTTP/1.1"]
