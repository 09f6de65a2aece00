import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from cloche.egress.connect import ConnectError, dial
from cloche.egress.hosts import Host, HostName
from cloche.egress.socks5 import Reply
from cloche.egress.upstream import Tunnel, check_response, connect_request, open_tunnel
from cloche.egress.upstream_url import parse_upstream

BOTH_LOOPS = True

NAME = HostName("site.test")


async def through(url: str, host: Host = NAME, *, timeout_s: float = 5) -> Tunnel:
    upstream = parse_upstream(url)
    sock = await dial([IPv4Address("127.0.0.1")], upstream.port, timeout_s=5)
    return await open_tunnel(sock, upstream, host, 443, timeout_s=timeout_s)


async def assert_echoes(tunnel: Tunnel) -> None:
    loop = asyncio.get_running_loop()
    with tunnel.sock as sock:
        async with asyncio.timeout(5):
            await loop.sock_sendall(sock, b"through")
            received = tunnel.head
            while len(received) < 7:
                received += await loop.sock_recv(sock, 100)
    assert received == b"through"


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        (NAME, "site.test:443"),
        (IPv4Address("93.184.215.14"), "93.184.215.14:443"),
        (IPv6Address("2606::1"), "2606::1:443"),
    ],
)
async def test_a_socks5_proxy_carries_the_bytes(peers: Any, proxy: Any, host: Host, asked: str) -> None:
    port = await peers.listen(proxy.socks5)
    await assert_echoes(await through(f"socks5://127.0.0.1:{port}", host))
    assert proxy.asked == [asked]


@pytest.mark.parametrize(("host", "asked"), [(NAME, "site.test:443"), (IPv6Address("2606::1"), "[2606::1]:443")])
async def test_an_http_proxy_carries_the_bytes(peers: Any, proxy: Any, host: Host, asked: str) -> None:
    port = await peers.listen(proxy.http)
    await assert_echoes(await through(f"http://127.0.0.1:{port}", host))
    assert proxy.asked == [f"CONNECT {asked} HTTP/1.1"]


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_credentials_reach_the_proxy(peers: Any, proxy: Any, kind: str) -> None:
    port = await peers.listen(getattr(proxy, kind))
    await assert_echoes(await through(f"{kind}://ann:s%40cret@127.0.0.1:{port}"))
    assert proxy.credentials == ["ann:s@cret"]


async def test_an_http_head_may_come_in_pieces_with_payload_behind_it(peers: Any, proxy: Any) -> None:
    proxy.http_response = [b"HTTP/1.1 200 OK\r\nX-A", b": b\r\n\r", b"\nbanner"]
    port = await peers.listen(proxy.http)
    tunnel = await through(f"http://127.0.0.1:{port}")
    tunnel.sock.close()
    assert tunnel.head == b"banner"


@pytest.mark.parametrize(("code", "reply"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (8, 8), (99, 1)])
async def test_a_socks5_proxys_refusal_is_passed_on(peers: Any, proxy: Any, code: int, reply: int) -> None:
    proxy.socks_reply = code
    port = await peers.listen(proxy.socks5)
    with pytest.raises(ConnectError) as caught:
        await through(f"socks5://127.0.0.1:{port}")
    assert caught.value.reply == reply


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", 2),
        (b"HTTP/1.1 407 Who are you\r\n\r\n", 1),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", 4),
        (b"HTTP/1.1 504 Too slow\r\n\r\n", 6),
        (b"HTTP/1.1 301 Elsewhere\r\n\r\n", 1),
        (b"HTTP/2 200 OK\r\n\r\n", 1),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 1),
        (b"\r\n\r\n", 1),
        (b"HTTP/1.1 200 never ends", 1),
        (b"x" * 20_000, 1),
    ],
)
async def test_an_http_proxys_refusal_or_nonsense_is_an_error(
    peers: Any, proxy: Any, response: bytes, reply: int
) -> None:
    proxy.http_response = [response]
    proxy.destination_port = 1  # a proxy that goes on after all finds nobody
    port = await peers.listen(proxy.http)
    with pytest.raises(ConnectError) as caught:
        await through(f"http://127.0.0.1:{port}")
    assert caught.value.reply == reply


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize(
    "answer", [b"", b"\x05", b"\x04\x00", b"\x05\x02\x00\x00", b"\x05\x00\x05\x00\x00\x09" + bytes(20)]
)
async def test_a_proxy_that_breaks_off_or_talks_nonsense_is_an_error(peers: Any, kind: str, answer: bytes) -> None:
    async def odd(client: socket.socket) -> None:
        await asyncio.get_running_loop().sock_recv(client, 3)
        await asyncio.get_running_loop().sock_sendall(client, answer)

    port = await peers.listen(odd)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectError) as caught:
            await through(f"{kind}://127.0.0.1:{port}")
    assert caught.value.reply is Reply.GENERAL_FAILURE


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_silent_proxy_is_given_up_on(peers: Any, kind: str) -> None:
    async def silent(client: socket.socket) -> None:
        await asyncio.Event().wait()

    port = await peers.listen(silent)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectError) as caught:
            await through(f"{kind}://127.0.0.1:{port}", timeout_s=0.05)
    assert caught.value.reply is Reply.TTL_EXPIRED


def test_a_request_holds_nothing_but_what_it_must() -> None:
    request = connect_request(parse_upstream("http://proxy.test"), NAME, 443)
    assert request == b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"


@pytest.mark.parametrize("head", [b"HTTP/1.0 200", b"HTTP/1.1 200 ", b"HTTP/1.1 204 No\r\nX: y"])
def test_any_success_opens_the_tunnel(head: bytes) -> None:
    check_response(head)
