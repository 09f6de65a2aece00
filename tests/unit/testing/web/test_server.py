"""The local web answers as its paths say, on every address, and remembers who asked."""

import asyncio
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cloche.testing import netns, rtnetlink
from cloche.testing.http import Answer, request
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

SITE = "93.184.215.14"


def get(path: str, *, address: str = SITE, host: str = "site.test") -> Answer:
    where = f"[{address}]" if ":" in address else address
    return request("GET", f"http://{where}{path}", headers={"host": host}, timeout_s=5)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def location(path: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"http://{SITE}{path}", timeout=5)
    with caught.value as answer:
        return answer.code, answer.headers["location"]


def connection(port: int = 80) -> socket.socket:
    return socket.create_connection((SITE, port), timeout=5)


@pytest.mark.parametrize(
    "page", ["", "link", "form", "popup", "iframe", "worker", "service-worker", "probe", "worker.js"]
)
def test_pages_are_served(local_web: LocalWeb, page: str) -> None:
    answer = get(f"/{page}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript" if page.endswith(".js") else "text/html")


def test_a_page_names_the_host_that_was_asked(local_web: LocalWeb) -> None:
    assert b'<h1 id="host">other.test</h1>' in get("/page", host="other.test").body


def test_an_unknown_page_is_not_found(local_web: LocalWeb) -> None:
    assert get("/no-such-page").status == 404


def test_a_page_of_the_tests_comes_with_its_host_and_policy(local_web: LocalWeb) -> None:
    answer = get("/pages/empty.html?csp=default-src%20'none'", host="other.test")
    assert b"<title>empty of other.test</title>" in answer.body
    assert answer.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("path", ["/pages/none.html", "/pages/..", "/pages/%2e%2e%2fpages%2fempty.html"])
def test_a_page_that_the_tests_have_not_is_not_found(local_web: LocalWeb, path: str) -> None:
    assert get(path).status == 404


def test_a_circle_of_redirects_never_comes_to_the_same_address(local_web: LocalWeb) -> None:
    assert [location(f"/circle{query}")[1] for query in ("", "?1", "?2")] == ["/circle?1", "/circle?2", "/circle?3"]


def test_a_late_answer_and_a_large_one_are_pages(local_web: LocalWeb) -> None:
    assert get("/late/1").headers["content-type"].startswith("text/html")
    assert get("/large/1000").body.count(b"x") == 1000


@pytest.mark.parametrize("address", netns.PUBLIC_LOOKING + netns.FORBIDDEN)
def test_each_address_is_answered_and_logged(local_web: LocalWeb, address: str) -> None:
    if ":" in address and not rtnetlink.has_ipv6():
        pytest.skip("this kernel has no IPv6 on loopback; `cloche doctor` has no cure for that")
    assert get("/echo", address=address).status == 200
    (seen,) = local_web.requests("site.test", "/echo")
    assert (seen.address, seen.port, seen.method, seen.scheme) == (address, 80, "GET", "http")


def test_a_request_to_a_forbidden_address_is_a_canary(local_web: LocalWeb) -> None:
    get("/echo")
    assert local_web.forbidden_requests() == []
    get("/latest/meta-data", address="169.254.169.254")
    assert [seen.path for seen in local_web.forbidden_requests()] == ["/latest/meta-data"]


def test_echo_tells_method_headers_and_body(local_web: LocalWeb) -> None:
    told = request("POST", f"http://{SITE}/echo", b"a=1", headers={"x-test": "yes"}).json
    assert (told["method"], told["body"], told["headers"]["x-test"]) == ("POST", "a=1", "yes")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_go_anywhere(local_web: LocalWeb, code: int) -> None:
    assert location(f"/redirect/{code}?to=http://metadata.test/latest") == (code, "http://metadata.test/latest")


def test_a_chain_of_redirects_has_as_many_hops_as_asked(local_web: LocalWeb) -> None:
    assert get(f"/redirects/4?to=http://{SITE}/page").status == 200
    assert [seen.path for seen in local_web.requests()] == [*(f"/redirects/{left}" for left in (4, 3, 2, 1)), "/page"]


@pytest.mark.parametrize("size", [0, 1, 262_144, 1_000_001])
def test_a_body_has_exactly_the_size_asked_for(local_web: LocalWeb, size: int) -> None:
    assert len(get(f"/bytes/{size}").body) == size


def test_an_endless_body_does_not_keep_the_web_from_answering_others(local_web: LocalWeb) -> None:
    with connection() as taker:
        taker.sendall(b"GET /endless HTTP/1.1\r\nhost: site.test\r\n\r\n")
        assert taker.recv(65_536)
        assert get("/page").status == 200
    assert get("/page").status == 200


def test_a_slow_body_comes_in_pieces(local_web: LocalWeb) -> None:
    assert get("/slow?chunks=3&interval_ms=1").body == b"0\n1\n2\n"


def test_a_download_is_an_attachment(local_web: LocalWeb) -> None:
    answer = get("/download/report%20one.pdf?size=10&type=application/pdf")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''report%20one.pdf"
    assert (answer.headers["content-type"], answer.body) == ("application/pdf", b"x" * 10)


def test_cookies_are_set_and_echoed(local_web: LocalWeb) -> None:
    assert get("/cookies/set?colour=green").headers["set-cookie"].startswith("colour=green;")
    assert request("GET", f"http://{SITE}/cookies", headers={"cookie": "colour=green"}).json == {"colour": "green"}


def test_settings_of_the_probe_cannot_end_its_script(local_web: LocalWeb) -> None:
    body = get("/probe?targets=" + urllib.request.quote(json.dumps(["</script>"]))).body  # type: ignore[attr-defined]
    assert body.count(b"</script>") == 1


def test_tls_is_signed_by_the_webs_own_authority(local_web: LocalWeb) -> None:
    trusting = ssl.create_default_context(cafile=str(local_web.ca_file))
    with connection(443) as plain, trusting.wrap_socket(plain, server_hostname="site.test") as secret:
        assert secret.version() in ("TLSv1.2", "TLSv1.3")


async def test_a_websocket_echoes_and_closes_when_asked(local_web: LocalWeb) -> None:
    async with connect(f"ws://{SITE}/ws", proxy=None) as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        await client.send("close")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4000
    assert [seen.scheme for seen in local_web.requests(path="/ws")] == ["ws"]


def test_the_silent_port_takes_everything_and_says_nothing(local_web: LocalWeb) -> None:
    with connection(local_web.raw.silent) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_the_reset_port_resets(local_web: LocalWeb) -> None:
    with connection(local_web.raw.reset) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_the_garbage_port_speaks_no_http(local_web: LocalWeb) -> None:
    with connection(local_web.raw.garbage) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(1) == b"\x00"


async def test_a_datagram_at_a_canary_is_written_down(local_web: LocalWeb) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"who is there", ("10.77.0.5", 53))
    async with asyncio.timeout(5):
        while not local_web.datagrams():
            await asyncio.sleep(0)
    assert [(seen.port, seen.data) for seen in local_web.datagrams()] == [(53, b"who is there")]


async def test_waiting_for_a_request_that_never_comes_says_what_came(local_web: LocalWeb) -> None:
    get("/page")
    with pytest.raises(TimeoutError, match=r"seen: \['site\.test/page'\]"):
        await local_web.wait_for_request("other.test", timeout_s=0.05)
    assert (await local_web.wait_for_request("site.test")).path == "/page"


@pytest.fixture
def loopback_web() -> Iterator[LocalWeb]:
    with LocalWeb(LOOPBACK_ONLY) as web:
        yield web


def test_on_loopback_alone_every_name_is_there_on_the_ports_the_kernel_gave(loopback_web: LocalWeb) -> None:
    assert loopback_web.hosts.addresses("metadata.test") == ("127.0.0.1",)
    url = loopback_web.url("127.0.0.1", "/page")
    assert f":{loopback_web.http_port}/" in url
    assert request("GET", url).status == 200


def test_urls_name_a_port_only_where_it_is_not_the_schemes_own(local_web: LocalWeb) -> None:
    assert local_web.url("site.test", "/a") == "http://site.test/a"
    assert local_web.url("site.test", tls=True) == "https://site.test/"
    assert local_web.url("2606:2800:21f:cb07::14") == "http://[2606:2800:21f:cb07::14]/"
