"""What a page cannot reach, whichever way it tries. The canaries tell the truth, the page's own verdict does not.

Every test here would be green if the tries themselves were broken; `test_every_way_reaches_what_is_named` is the
control: the same page, the same ways, against a canary that the session may reach.
"""

import asyncio
import json
from typing import Any, Final
from urllib.parse import quote

import pytest

from cloche.testing.cdp import CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.names import REFUSED_NAMES
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

Json = dict[str, Any]

PRIVATE: Final = "address_not_public"
DEVTOOLS_PORT, EGRESS_PORT = 9222, 1080
WAYS: Final = (
    *("fetch", "post", "beacon", "image", "script", "style", "iframe"),
    *("websocket", "eventsource", "worker", "prefetch"),
)
SILENT: Final = {"beacon", "prefetch", "iframe"}
"""Ways that look the same to a page whether they arrive or not."""

HOST: Final = {
    "http://127.0.0.1:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://localhost:{canary}/": ("localhost", "{canary}", PRIVATE),
    "http://any.localhost:{canary}/": ("any.localhost", "{canary}", PRIVATE),
    "http://[::1]:{canary}/": ("::1", "{canary}", PRIVATE),
    "http://0.0.0.0:{canary}/": ("0.0.0.0", "{canary}", PRIVATE),
    "http://[::]:{canary}/": ("::", "{canary}", PRIVATE),
    "http://10.66.0.1:{canary}/": ("10.66.0.1", "{canary}", PRIVATE),
    "http://[fd66::1]:{canary}/": ("fd66::1", "{canary}", PRIVATE),
    "http://93.184.216.99:{canary}/": ("93.184.216.99", "{canary}", PRIVATE),
}
SPELLINGS: Final = {
    "http://2130706433:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://0x7f000001:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://0177.0.0.1:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://127.1:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://127.0.0.1.:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://①②⑦.⓪.⓪.①:{canary}/": ("127.0.0.1", "{canary}", PRIVATE),
    "http://[::ffff:127.0.0.1]:{canary}/": ("::ffff:7f00:1", "{canary}", PRIVATE),
    "http://[::127.0.0.1]:{canary}/": ("::7f00:1", "{canary}", PRIVATE),
    "http://[64:ff9b::127.0.0.1]:{canary}/": ("64:ff9b::7f00:1", "{canary}", PRIVATE),
}
CLOCHE: Final = {
    "http://127.0.0.1:{daemon}/v1/sessions": ("127.0.0.1", "{daemon}", PRIVATE),
    "http://localhost:{daemon}/healthz": ("localhost", "{daemon}", PRIVATE),
    "http://127.0.0.1:9222/json/version": ("127.0.0.1", DEVTOOLS_PORT, PRIVATE),
    "http://localhost:9222/json/version": ("localhost", DEVTOOLS_PORT, PRIVATE),
    "http://[::1]:9222/json/version": ("::1", DEVTOOLS_PORT, PRIVATE),
    "http://127.0.0.1:1080/": ("127.0.0.1", EGRESS_PORT, PRIVATE),
}
AROUND: Final = {
    "http://169.254.169.254/latest/meta-data/": ("169.254.169.254", 80, PRIVATE),
    "http://10.77.0.5/": ("10.77.0.5", 80, PRIVATE),
    "http://192.168.77.5/": ("192.168.77.5", 80, PRIVATE),
    "http://172.20.77.5/": ("172.20.77.5", 80, PRIVATE),
    "http://100.64.77.5/": ("100.64.77.5", 80, PRIVATE),
    "http://198.18.77.5/": ("198.18.77.5", 80, PRIVATE),
    "http://[fd77::5]/": ("fd77::5", 80, PRIVATE),
    "http://[64:ff9b::a4d:5]/": ("64:ff9b::a4d:5", 80, PRIVATE),
    "http://[2002:a4d:5::1]/": ("2002:a4d:5::1", 80, PRIVATE),
    "http://[::ffff:10.77.0.5]/": ("::ffff:a4d:5", 80, PRIVATE),
}
NAMES: Final = {f"http://{name}/": (name, 80, PRIVATE) for name in REFUSED_NAMES}


class Nothing:
    """What must have heard nothing: the host's canary, the network's, and every UDP port."""

    def __init__(self, canary: Any, web: LocalWeb, daemon: DaemonProcess) -> None:
        self.canary, self.web, self.daemon = canary, web, daemon

    def fill(self, places: dict[str, tuple[str, str | int, str]]) -> dict[str, tuple[str, int, str]]:
        """Put this run's ports where they belong."""
        ports = {"{canary}": self.canary.port, "{daemon}": int(self.daemon.base_url.rpartition(":")[2])}

        def url_of(text: str) -> str:
            for mark, port in ports.items():
                text = text.replace(mark, str(port))
            return text

        return {url_of(url): (host, int(ports.get(str(port), port)), why) for url, (host, port, why) in places.items()}

    async def look(self, session: Json) -> Json:
        """The session as its owner sees it now."""
        found: Json = (await self.daemon.request("GET", f"/v1/sessions/{session['id']}")).json
        return found

    def was_heard(self) -> None:
        assert self.canary.callers == []
        assert self.web.forbidden_requests() == []
        assert self.web.datagrams() == []


@pytest.fixture
def nothing(canary: Any, local_web: LocalWeb, shared_daemon: DaemonProcess) -> Nothing:
    return Nothing(canary, local_web, shared_daemon)


async def probe(page: CdpPage, web: LocalWeb, targets: list[str], ways: tuple[str, ...] = WAYS) -> dict[str, Json]:
    """Let a page try every target in every way; return what it thinks came of it."""
    query = f"targets={quote(json.dumps(targets))}&ways={quote(json.dumps(ways))}"
    await page.goto(web.url("site.test", f"/probe?{query}"))
    await page.wait_for("document.title === 'probed'", timeout_s=15)
    results: dict[str, Json] = await page.evaluate("results")
    return results


@pytest.mark.promise("nothing-private-is-reached")
@pytest.mark.parametrize("places", [HOST, SPELLINGS, CLOCHE, AROUND, NAMES], ids=lambda places: next(iter(places)))
async def test_no_way_leads_to(
    places: Any, nothing: Nothing, tabs: Any, kept_session: Json, events: Any, local_web: LocalWeb
) -> None:
    wanted = nothing.fill(places)
    before = await events.last_id(kept_session)
    results = await probe(await tabs.open(), local_web, list(wanted))
    arrived = {
        (target, way): verdict
        for target, verdicts in results.items()
        for way, verdict in verdicts.items()
        if way not in SILENT and verdict == "loaded"
    }
    assert not arrived
    await events.refusals(kept_session, *wanted.values(), after=before)
    nothing.was_heard()


async def test_every_way_reaches_what_is_named(
    canary: Any, shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(egress={"private_hosts": [f"127.0.0.1:{canary.port}"]})
    client = await cdp(session["connect_url"])
    page = await client.new_page()
    for way in WAYS:
        canary.callers.clear()
        await probe(page, local_web, [f"http://127.0.0.1:{canary.port}/"], (way,))
        assert await asyncio.to_thread(canary.wait_for_caller), (
            f"{way} is no try at all: it does not even reach the canary"
        )


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_private_place_ends_at_the_wall(
    code: int, nothing: Nothing, tabs: Any, kept_session: Json, events: Any, local_web: LocalWeb
) -> None:
    page = await tabs.open(local_web.url("other.test", "/page"))
    before = await events.last_id(kept_session)
    home = f"http://127.0.0.1:{nothing.canary.port}/?{code}"
    away = local_web.url("site.test", f"/redirect/{code}?to={quote(home, safe='')}")
    assert await page.evaluate(f"fetch({away!r}, {{mode: 'no-cors'}}).then(() => 'loaded', () => 'failed')") == "failed"
    assert await page.goto(away) == "net::ERR_SOCKS_CONNECTION_FAILED"
    chain = local_web.url("site.test", f"/redirects/3?code={code}&to={quote('http://169.254.169.254/', safe='')}")
    assert await page.goto(chain) == "net::ERR_SOCKS_CONNECTION_FAILED"
    await events.refusals(
        kept_session, ("127.0.0.1", nothing.canary.port, PRIVATE), ("169.254.169.254", 80, PRIVATE), after=before
    )
    nothing.was_heard()


NAVIGATIONS: Final = {
    "location": "location.href = {url}",
    "a form": "document.body.innerHTML = '<form method=post action=' + {url} + '>'; document.forms[0].submit()",
    "a meta refresh": (
        "const meta = document.createElement('meta'); meta.httpEquiv = 'refresh'; meta.content = '0; url=' + {url};"
        "document.head.append(meta)"
    ),
    "a window": "window.open({url})",
    "a link with a ping": (
        "document.body.innerHTML = '<a href=\"/page\" ping=\"' + {url} + '\">x</a>'; document.links[0].click()"
    ),
    "a frame in a frame": (
        "document.body.innerHTML = '<iframe srcdoc=\"<iframe src=' + {url} + '></iframe>\"></iframe>'"
    ),
    "a form in a new window": (
        "document.body.innerHTML = '<form target=_blank action=' + {url} + '>'; document.forms[0].submit()"
    ),
    "XMLHttpRequest": "const x = new XMLHttpRequest(); x.open('PUT', {url}); x.send('x')",
    "an object": "document.body.innerHTML = '<object data=' + {url} + '></object>'",
    "a video": "document.body.innerHTML = '<video autoplay src=' + {url} + '></video>'",
    "a font": "new FontFace('x', 'url(' + {url} + ')').load().catch(() => 0)",
    "a module": "import({url}).catch(() => 0)",
    "a worker's script": "try { new Worker({url}) } catch (error) { fetch({url}, {mode: 'no-cors'}).catch(() => 0) }",
    "a style sheet's import": "document.body.innerHTML = '<style>@import url(' + {url} + ');</style>'",
    "a preload": "document.head.innerHTML += '<link rel=preload as=image href=' + {url} + '>'",
}


@pytest.mark.parametrize("way", NAVIGATIONS)
async def test_a_page_does_not_get_home_by(
    way: str, nothing: Nothing, tabs: Any, kept_session: Json, events: Any, local_web: LocalWeb
) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    before = await events.last_id(kept_session)
    url = f"http://127.0.0.1:{nothing.canary.port}/x"
    script = NAVIGATIONS[way].replace("{url}", json.dumps(url))
    # Not awaited in the page: a navigation takes the page away with its answer.
    await page.send("Runtime.evaluate", {"expression": f"setTimeout(() => {{ {script} }})", "userGesture": True})
    await events.refusals(kept_session, ("127.0.0.1", nothing.canary.port, PRIVATE), after=before)
    nothing.was_heard()


async def test_the_client_itself_cannot_navigate_home(nothing: Nothing, tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    port = nothing.canary.port
    for url in (f"http://127.0.0.1:{port}/", f"view-source:http://127.0.0.1:{port}/", f"https://localhost:{port}/"):
        assert await page.goto(url, wait_loaded=False) == "net::ERR_SOCKS_CONNECTION_FAILED"
    nothing.was_heard()


async def test_a_name_that_moves_home_is_still_dialled_at_the_address_that_was_checked(
    nothing: Nothing, tabs: Any, local_web: LocalWeb
) -> None:
    page = await tabs.open(local_web.url("rebind.test", "/page"))
    local_web.rebind("rebind.test", "127.0.0.1")
    tries = [f"http://rebind.test:{nothing.canary.port}/", f"http://rebind.test:{DEVTOOLS_PORT}/json/version"]
    for url in tries:
        assert (
            await page.evaluate(f"fetch({url!r}, {{mode: 'no-cors'}}).then(() => 'loaded', () => 'failed')") == "failed"
        )
    nothing.was_heard()
    # The name is known still, at its checked address: that is where the connection goes.
    assert await page.evaluate("fetch('/page').then((answer) => answer.status)") == 200


async def test_a_page_of_the_session_cannot_fetch_by_service_worker_either(
    nothing: Nothing, shared_daemon: DaemonProcess, cdp: Any, events: Any
) -> None:
    # A service worker needs a secure context: localhost, here a site on the host that this session may reach.
    async with LocalWeb(LOOPBACK_ONLY) as at_home:
        place = f"localhost:{at_home.http_port}"
        session = await shared_daemon.create_session(egress={"private_hosts": [place]})
        page = await (await cdp(session["connect_url"])).new_page(f"http://{place}/service-worker")
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        client = page.client
        targets = (await client.send("Target.getTargets", {"filter": [{}]}))["targetInfos"]
        worker = await client.attach(next(one["targetId"] for one in targets if one["type"] == "service_worker"))
        url = f"http://127.0.0.1:{nothing.canary.port}/"
        tried = f"fetch({url!r}, {{mode: 'no-cors'}}).then(() => 'loaded', () => 'failed')"
        assert await worker.evaluate(tried) == "failed"
        await events.refusals(session, ("127.0.0.1", nothing.canary.port, PRIVATE))
        nothing.was_heard()


GATHER: Final = """(urls) => new Promise(async (resolve) => {
    const peer = new RTCPeerConnection({iceServers: [{urls, username: "a", credential: "b"}]});
    const candidates = [], errors = [];
    peer.onicecandidateerror = (event) => errors.push(event.url);
    peer.onicecandidate = (event) => event.candidate
        ? candidates.push(event.candidate.candidate)
        : resolve({candidates, errors, sdp: peer.localDescription.sdp});
    peer.createDataChannel("probe");
    await peer.setLocalDescription(await peer.createOffer());
    setTimeout(() => resolve({candidates, errors, sdp: peer.localDescription.sdp}), 4000);
})"""


async def test_webrtc_finds_no_address_and_reaches_no_server(
    nothing: Nothing, tabs: Any, kept_session: Json, local_web: LocalWeb
) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    before = (await nothing.look(kept_session))["usage"]
    places = ["10.66.0.1:3478", "169.254.169.254:19302", "site.test:3478", f"127.0.0.1:{nothing.canary.port}"]
    urls = [f"stun:{place}" for place in places] + [
        f"turn:{place}?transport={transport}" for place in places for transport in ("udp", "tcp")
    ]
    found = await page.evaluate(f"({GATHER})({json.dumps(urls)})")
    # Any local address would be hidden behind a name that only the same machine resolves.
    assert all(candidate.split()[4].endswith(".local") for candidate in found["candidates"]), found
    assert not [line for line in found["sdp"].splitlines() if line.startswith("c=") and not line.endswith("0.0.0.0")]
    nothing.was_heard()
    # TURN over TCP could ask the gateway like a page does: even to a public host it is let out nowhere.
    assert (await nothing.look(kept_session))["usage"]["egress_connections"] == before["egress_connections"]


async def test_quic_and_webtransport_send_no_datagram(nothing: Nothing, tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open()
    await page.send("Security.setIgnoreCertificateErrors", {"ignore": True})
    await page.goto(local_web.url("site.test", "/page", tls=True))
    dial = """Promise.race([
        new WebTransport("https://other.test/").ready.then(() => "loaded", (error) => error.name),
        new Promise((resolve) => setTimeout(() => resolve("silence"), 2000)),
    ])"""
    assert await page.evaluate(dial) in ("WebTransportError", "silence")
    nothing.was_heard()
