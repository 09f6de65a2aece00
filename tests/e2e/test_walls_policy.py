"""What a session's own lists open and close, as a page sees it."""

from typing import Any, Final

import pytest

from cloche.testing.cdp import CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

SETTINGS: Final = {
    "private_hosts_ceiling": "127.0.0.0/8:*, localhost:*, private.test:80, 10.77.0.5:443",
    "egress_deny_hosts": "download.test",
}

Json = dict[str, Any]


async def open_page(daemon: DaemonProcess, cdp: Any, web: LocalWeb, **egress: list[str]) -> tuple[Json, CdpPage]:
    """Make a session with these lists, and a tab in it on site.test."""
    session = await daemon.create_session(egress=egress)
    client = await cdp(session["connect_url"])
    return session, await client.new_page(web.url("site.test", "/page"))


async def reaches(page: CdpPage, *urls: str) -> list[bool]:
    """Tell for each URL whether a fetch of the page gets there."""
    found = []
    for url in urls:
        found.append(await page.evaluate(f"fetch({url!r}, {{mode: 'no-cors'}}).then(() => true, () => false)"))
    return found


async def test_an_allow_list_holds_for_every_subresource(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session, page = await open_page(shared_daemon, cdp, local_web, allow_hosts=["site.test", "*.site.test"])
    tries = ("http://www.site.test/page", "http://cdn.test/page", "http://notsite.test/page")
    assert await reaches(page, *tries) == [True, False, False]
    elements = """new Promise((resolve) => {
        let left = 3;
        const gone = (event) => --left || resolve("refused");
        for (const [tag, name] of [["img", "src"], ["script", "src"], ["link", "href"]]) {
            const element = document.createElement(tag);
            Object.assign(element, {rel: "stylesheet", onerror: gone, onload: () => resolve("loaded"),
                                    [name]: "http://other.test/bytes/1"});
            document.body.append(element);
        }
    })"""
    assert await page.evaluate(elements) == "refused"
    assert await page.goto("http://other.test/page") == "net::ERR_SOCKS_CONNECTION_FAILED"
    await events.refusals(
        session, ("cdn.test", 80, "host_not_allowed"), ("notsite.test", 80, "host_not_allowed"),
        ("other.test", 80, "host_not_allowed"),
    )  # fmt: skip
    assert {request.host for request in local_web.requests()} == {"site.test", "www.site.test"}


async def test_a_wildcard_is_what_is_below_and_not_the_name_itself(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(egress={"allow_hosts": ["*.site.test"]})
    page = await (await cdp(session["connect_url"])).new_page()
    assert await page.goto(local_web.url("site.test", "/page")) == "net::ERR_SOCKS_CONNECTION_FAILED"
    assert await page.goto(local_web.url("www.site.test", "/page")) is None


@pytest.mark.parametrize(
    "url", ["http://other.test/", "http://OTHER.test/", "http://other.test./", "http://93.184.215.20/"]
)
async def test_a_denied_host_is_denied_however_it_is_written(
    url: str, shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    lists = {"deny_hosts": ["other.test", "93.184.215.20/32"], "allow_hosts": ["*"]}
    _, page = await open_page(shared_daemon, cdp, local_web, **lists)
    assert await reaches(page, url, "http://cdn.test/page") == [False, True]
    assert not local_web.requests("other.test")


async def test_an_address_that_is_denied_is_denied_under_every_name(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session, page = await open_page(shared_daemon, cdp, local_web, deny_hosts=["93.184.215.27"])
    # two.test has that address and another: one bad address refuses the whole name.
    assert await reaches(page, "http://two.test/page") == [False]
    assert await events.refusals(session, ("two.test", 80, "host_denied"))


async def test_the_servers_own_deny_list_cannot_be_opened(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session, page = await open_page(shared_daemon, cdp, local_web, allow_hosts=["*", "download.test"])
    assert await reaches(page, "http://download.test/page") == [False]
    assert await events.refusals(session, ("download.test", 80, "host_denied"))


async def test_an_allow_list_of_addresses_reaches_only_those(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    _, page = await open_page(shared_daemon, cdp, local_web, allow_hosts=["93.184.215.14", "93.184.215.20/31"])
    tries = ("http://other.test/page", "http://cdn.test/page", "http://93.184.215.21/page", "http://slow.test/page")
    assert await reaches(page, *tries) == [True, True, True, False]


@pytest.mark.promise("private-host-opens-exactly-itself")
async def test_a_private_host_opens_exactly_its_host_and_port(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, canary: Any, events: Any
) -> None:
    named = f"127.0.0.1:{canary.port}"
    session, page = await open_page(shared_daemon, cdp, local_web, private_hosts=[named, "private.test:80"])
    assert session["egress"]["private_hosts"] == [named, "private.test:80"]
    beside = [
        f"http://localhost:{canary.port}/", f"http://127.0.0.2:{canary.port}/", f"http://[::1]:{canary.port}/",
        "http://127.0.0.1:9222/", "http://private.test:8080/", "http://10.77.0.5/", "http://lan.test/",
    ]  # fmt: skip
    assert await reaches(page, *beside) == [False] * len(beside)
    assert not canary.callers
    assert not local_web.forbidden_requests()
    assert await reaches(page, f"http://{named}/", "http://private.test/page") == [True, True]
    assert len(canary.callers) == 1
    assert [request.address for request in local_web.forbidden_requests()] == ["10.77.0.5"]
    expected = [(host, canary.port, "address_not_public") for host in ("localhost", "127.0.0.2", "::1")]
    await events.refusals(session, *expected, ("private.test", 8080, "address_not_public"))


async def test_a_private_host_does_not_open_the_metadata_service_to_a_name(cdp: Any, local_web: LocalWeb) -> None:
    # The name was named, but whose DNS answers for it may point it anywhere; link-local opens only as a literal.
    local_web.rebind("private.test", "169.254.169.254")
    async with DaemonProcess(resolver_hosts=local_web.hosts_file) as daemon:
        _, page = await open_page(daemon, cdp, local_web, private_hosts=["private.test:80"])
        assert await reaches(page, "http://private.test/") == [False]
        assert not local_web.forbidden_requests()


async def test_a_private_host_above_the_ceiling_is_no_session(shared_daemon: DaemonProcess) -> None:
    for named in ("10.77.0.5:80", "lan.test:80", "169.254.169.254:80", "[::1]:80"):
        answer = await shared_daemon.request("POST", "/v1/sessions", {"egress": {"private_hosts": [named]}})
        assert (answer.status, answer.json["field"]) == (403, "egress.private_hosts"), named
    assert (await shared_daemon.request("GET", "/v1/sessions?status=pending")).json["sessions"] == []


async def test_a_port_that_takes_http_for_commands_is_closed(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session, page = await open_page(shared_daemon, cdp, local_web)
    # Chromium itself would connect to all of these.
    ports = (6379, 11211, 27017, 3306, 2375)
    assert await reaches(page, *(f"http://other.test:{port}/" for port in ports)) == [False] * len(ports)
    await events.refusals(session, *(("other.test", port, "port_not_allowed") for port in ports))


async def test_a_refusal_is_told_at_once_and_its_repetitions_as_one_number(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, events: Any
) -> None:
    session, page = await open_page(shared_daemon, cdp, local_web)
    many = "Promise.allSettled(Array.from({length: 40}, (_, n) => fetch('http://10.77.0.5:' + (n % 2 ? 80 : 81))))"
    await page.evaluate(f"{many}.then(() => true)")
    told = await events.until(
        session,
        lambda seen: sum(event["data"]["count"] for event in seen if event["type"] == "egress.refused") == 40,
    )
    refusals = [event["data"] for event in told if event["type"] == "egress.refused"]
    assert refusals[0] == {
        "host": "10.77.0.5", "port": refusals[0]["port"], "reason": "address_not_public", "rule": "private", "count": 1,
    }  # fmt: skip
    assert len(refusals) <= 8
    shown = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert shown["usage"]["egress_refusals"] == 40
