"""What gets out through the gateway arrives whole, is counted, and ends where the budget ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from cloche.testing import rtnetlink
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

HOST_LAN: Final = "10.66.0.1"
"""The host's own private address, where the tests' proxies stand."""

needs_ipv6 = pytest.mark.skipif(not rtnetlink.has_ipv6(), reason="this kernel has no IPv6 on loopback")


async def usage(daemon: DaemonProcess, session: Json) -> Json:
    shown = (await daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    found: Json = shown["usage"]
    return found


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_lead_across_hosts(code: int, tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    start = local_web.url(
        "site.test", f"/redirect/{code}?to=http://other.test/redirect/{code}%3Fto=http://cdn.test/page"
    )
    assert await page.goto(start) is None
    assert await page.evaluate("location.href") == "http://cdn.test/page"


async def test_a_slow_body_arrives_bit_by_bit(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    read = """(async () => {
        const reader = (await fetch("/slow?chunks=4&interval_ms=60")).body.getReader();
        const pieces = [];
        for (let {done, value} = await reader.read(); !done; {done, value} = await reader.read())
            pieces.push(new TextDecoder().decode(value));
        return pieces;
    })()"""
    pieces = await page.evaluate(read)
    assert "".join(pieces) == "0\n1\n2\n3\n"
    assert len(pieces) > 1, "held back until it was whole"


@needs_ipv6
@pytest.mark.parametrize(("host", "family"), [("v6.test", ":"), ("happy.test", "."), ("two.test", ".")])
async def test_a_site_is_reached_over_the_family_it_has(host: str, family: str, tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    assert await page.goto(local_web.url(host, "/page")) is None
    assert family in (await local_web.wait_for_request(host, "/page")).address


@needs_ipv6
async def test_an_ipv6_literal_is_reached(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    assert await page.goto(local_web.url("2606:2800:21f:cb07::14", "/page")) is None


async def test_tls_goes_through_untouched(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    assert await page.goto(local_web.url("site.test", "/page", tls=True)) == "net::ERR_CERT_AUTHORITY_INVALID"
    await page.send("Security.setIgnoreCertificateErrors", {"ignore": True})
    assert await page.goto(local_web.url("site.test", "/page", tls=True)) is None


async def test_what_is_not_there_is_an_error_of_the_page_and_no_refusal(
    shared_daemon: DaemonProcess, kept_session: Json, tabs: Any, local_web: LocalWeb
) -> None:
    page = await tabs.open()
    before = await usage(shared_daemon, kept_session)
    for url in (
        local_web.url("nowhere.test", "/"),
        "http://closed.test:4444/",
        f"http://site.test:{local_web.raw.reset}/",
        f"http://site.test:{local_web.raw.garbage}/",
    ):
        assert str(await page.goto(url, wait_loaded=False)).startswith("net::ERR_"), url
    assert (await usage(shared_daemon, kept_session))["egress_refusals"] == before["egress_refusals"]


async def test_many_connections_at_once_all_arrive(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    hosts = ("site.test", "www.site.test", "other.test", "cdn.test", "download.test", "slow.test")
    fetch_all = f"""Promise.all({list(hosts)}.flatMap((host) => Array.from({{length: 20}}, (_, n) =>
        fetch(`http://${{host}}/bytes/${{1000 * (n + 1)}}`).then((answer) => answer.arrayBuffer())
            .then((body) => body.byteLength))))"""
    assert sorted(await page.evaluate(fetch_all)) == sorted(1000 * (n + 1) for n in range(20) for _ in hosts)


async def test_bytes_are_counted_both_ways(
    shared_daemon: DaemonProcess, session: Json, browser: Any, local_web: LocalWeb
) -> None:
    page = await browser.new_page(local_web.url("site.test", "/page"))
    before = await usage(shared_daemon, session)
    await page.evaluate("fetch('/bytes/3000000').then((answer) => answer.arrayBuffer()).then(() => 1)")
    await page.evaluate("fetch('/echo', {method: 'POST', body: 'x'.repeat(500000)}).then(() => 1)")
    after = await usage(shared_daemon, session)
    # The echo sends those half million back. What is above is heads.
    assert 3_500_000 <= after["egress_bytes_in"] - before["egress_bytes_in"] < 3_520_000
    assert 500_000 <= after["egress_bytes_out"] - before["egress_bytes_out"] < 510_000
    assert after["egress_connections"] >= 1


async def test_an_endless_body_is_cut_where_the_budget_ends(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    limit = 2_000_000
    session = await shared_daemon.create_session(budget={"egress_bytes": limit})
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
    drink = """(async () => {
        const reader = (await fetch("/endless")).body.getReader();
        let total = 0;
        try {
            for (let {done, value} = await reader.read(); !done; {done, value} = await reader.read())
                total += value.length;
        } catch (error) { return [total, error.name]; }
        return [total, "ended"];
    })()"""
    total, end = await page.evaluate(drink)
    # A stream that was cut does not look like one that ended.
    assert end == "TypeError"
    assert total < limit  # Chromium may throw away what it has not handed on when the connection breaks
    assert await events.wait(session, "budget.exhausted") == {"what": "egress_bytes"}
    taken = await usage(shared_daemon, session)
    assert limit / 2 < taken["egress_bytes_in"] + taken["egress_bytes_out"] <= limit
    assert await page.goto(local_web.url("other.test", "/page")) == "net::ERR_SOCKS_CONNECTION_FAILED"
    await events.refusals(session, ("other.test", 80, "budget_exhausted"))


async def test_connections_beyond_the_budget_are_refused_and_the_others_go_on(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session = await shared_daemon.create_session(budget={"egress_connections": 3})
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
    many = """Promise.all(["site", "other", "cdn", "download", "slow"].map((name) =>
        fetch(`http://${name}.test/slow?chunks=3&interval_ms=150`)
            .then((answer) => answer.text()).catch(() => "refused")))"""
    found = await page.evaluate(many)
    assert set(found) == {"0\n1\n2\n", "refused"}
    assert found.count("0\n1\n2\n") <= 3
    refused = await events.wait(session, "egress.refused")
    assert refused["reason"] == "too_many_connections"


class Proxy:
    """A tiny proxy on the host: it tunnels, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0


@asynccontextmanager
async def proxy(serve: Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[Proxy]:
    """Run one on the host's private address; `serve` reads a greeting and returns the host and port it asks for."""
    made, tasks = Proxy(), set[Any]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        there: asyncio.StreamWriter | None = None
        try:
            host, port = await serve(made, reader, writer)
            back, there = await asyncio.open_connection(host, port)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, there))
                both.create_task(_pump(back, writer))
        except (OSError, asyncio.IncompleteReadError, BaseExceptionGroup):
            pass
        finally:
            for end in (writer, there):
                if end is not None:
                    end.close()
            tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(handle, HOST_LAN, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def socks5(made: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """RFC 1928 with a user and password (RFC 1929); domain names only as the request has them."""
    methods = await reader.readexactly((await reader.readexactly(2))[1])
    assert 2 in methods
    writer.write(b"\x05\x02")
    user = await reader.readexactly((await reader.readexactly(2))[1])
    password = await reader.readexactly((await reader.readexactly(1))[0])
    assert (user, password) == (b"ada", b"secret")
    writer.write(b"\x01\x00")
    kind = (await reader.readexactly(4))[3]
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    else:
        host = ".".join(str(part) for part in await reader.readexactly(4))
    port = int.from_bytes(await reader.readexactly(2))
    made.asked.append(f"{host}:{port}")
    writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    return ("93.184.215.14" if kind == 3 else host), port


async def http_connect(made: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """CONNECT of RFC 9110 §9.3.6 with basic authentication."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    target = head.split(" ")[1]
    assert "proxy-authorization: basic YWRhOnNlY3JldA==".lower() in head.lower()
    made.asked.append(target)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    host, _, port = target.rpartition(":")
    return (host if host[0].isdigit() else "93.184.215.14"), int(port)


@pytest.mark.parametrize(
    ("kind", "serve", "resolve", "asked"),
    [
        ("socks5", socks5, "", "93.184.215.14:80"),
        ("socks5", socks5, "?resolve=upstream", "site.test:80"),
        ("http", http_connect, "", "93.184.215.14:80"),
        ("http", http_connect, "?resolve=upstream", "site.test:80"),
    ],
)
async def test_a_chained_proxy_carries_a_session(
    kind: str, serve: Any, resolve: str, asked: str, shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    async with proxy(serve) as chained:
        place = f"{HOST_LAN}:{chained.port}"
        egress = {"upstream": f"{kind}://ada:secret@{place}{resolve}", "private_hosts": [place]}
        session = await shared_daemon.create_session(egress=egress)
        assert "secret" not in str(session)
        page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
        assert await page.evaluate("document.title") == "page of site.test"
        assert asked in chained.asked
        # The walls stand before the proxy: it is not even asked.
        assert await page.goto("http://169.254.169.254/", wait_loaded=False) == "net::ERR_SOCKS_CONNECTION_FAILED"
        assert not [one for one in chained.asked if "169.254" in one]
        await page.close()
        await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")


async def test_a_proxy_on_a_private_address_is_the_servers_to_choose(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    async with proxy(socks5) as chained:
        session = await shared_daemon.create_session(
            egress={"upstream": f"socks5://ada:secret@{HOST_LAN}:{chained.port}"}
        )
        page = await (await cdp(session["connect_url"])).new_page()
        assert await page.goto(local_web.url("site.test", "/page")) == "net::ERR_SOCKS_CONNECTION_FAILED"
        await events.refusals(session, ("site.test", 80, "upstream_not_public"))
        assert chained.asked == []


async def test_the_servers_own_proxy_carries_every_session(cdp: Any, local_web: LocalWeb) -> None:
    async with proxy(socks5) as chained:
        upstream = f"socks5://ada:secret@{HOST_LAN}:{chained.port}"
        async with DaemonProcess(resolver_hosts=local_web.hosts_file, egress_upstream=upstream) as daemon:
            session = await daemon.create_session()
            assert session["egress"]["upstream"] is None, "the server's proxy is no business of its users"
            client = await cdp(session["connect_url"])
            page = await client.new_page(local_web.url("site.test", "/page"))
            assert await page.evaluate("document.title") == "page of site.test"
            assert chained.asked == ["93.184.215.14:80"]
            assert "secret" not in daemon.log_tail(1000)
            await client.close()
