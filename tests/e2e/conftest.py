"""What e2e tests stand on: a world behind a wire, a daemon for each module, canaries on the host, and clients.

The gateway refuses the machine's own public addresses, so the local web cannot stand on the daemon's loopback: here it
runs in a network namespace of its own, behind a veth pair, as the internet does behind a host's uplink. What stays on
the daemon's side, loopback included, belongs to "the host", and on that the canaries listen.
"""

import asyncio
import json
import os
import socket
import socketserver
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import BrowserType, async_playwright

from cloche.testing import http, netns, rtnetlink
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.rtnetlink import CREATE, NEW_ROUTE, ask, attribute
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
Refused = tuple[str, int, str]
"""The host and port that were asked for, and the reason they were refused."""
Connect = Callable[..., Awaitable[CdpClient]]

OF_THE_MODULE: Final = {"kept": "module"}
"""The labels of sessions that outlive a test."""

AS_SHIPPED: Final = {"egress_own_addresses": "false"}
"""What the test kit sets otherwise, because its web stands on the daemon's own loopback."""

HOST_END: Final = ("10.66.0.1", "fd66::1")
"""The host's addresses on its uplink: private ones, as in most networks."""
HOST_PUBLIC: Final = "93.184.216.99"
"""A public address of the host itself."""

_HOST_SIDE, _WORLD_SIDE = "uplink", "world"
_WORLD: Final = (*netns.PUBLIC_LOOKING, *netns.FORBIDDEN)


class World(LocalWeb):
    """The local web on the far side of a wire: its thread lives in a network namespace of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._thread_id = 0
        self._apart = threading.Event()
        self._wired = threading.Event()

    def __enter__(self) -> "World":
        self._thread.start()
        assert self._apart.wait(5), "the world has no network namespace"
        for text in _WORLD:
            rtnetlink.remove_address("lo", ip_address(text))
        rtnetlink.add_address("lo", ip_address(HOST_PUBLIC))
        rtnetlink.lay_wire(_HOST_SIDE, _WORLD_SIDE, self._thread_id)
        _furnish(_HOST_SIDE, HOST_END, _WORLD)
        self._wired.set()
        self._started.result(10)
        return self

    def _run(self) -> None:
        self._thread_id = rtnetlink.leave_network()
        rtnetlink.switch("lo", up=True)
        if os.geteuid() != 0:
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
        self._apart.set()
        assert self._wired.wait(5), "the world has no wire"
        _furnish(_WORLD_SIDE, _WORLD, HOST_END)
        super()._run()


class Canary(socketserver.ThreadingTCPServer):
    """A service of the host, on every address and one port. It answers HTTP, and remembers who came."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("", 0), _CanaryVisit, bind_and_activate=False)
        self.socket.close()
        ipv6 = socket.has_dualstack_ipv6()
        family, where = (socket.AF_INET6, "::") if ipv6 else (socket.AF_INET, "0.0.0.0")
        self.socket = socket.create_server((where, 0), family=family, dualstack_ipv6=ipv6)
        self.port = int(self.socket.getsockname()[1])
        self.callers: list[str] = []
        self.called = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def wait_for_caller(self, timeout_s: float = 5.0) -> bool:
        """Block until someone has called; False when nobody has in time."""
        with self.called:
            return self.called.wait_for(lambda: bool(self.callers), timeout_s)

    def __enter__(self) -> "Canary":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join(5)
        self.server_close()


class _CanaryVisit(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self) -> None:
        assert isinstance(self.server, Canary)
        with self.server.called:
            self.server.callers.append(self.client_address[0])
            self.server.called.notify_all()
        head = b"".join(iter(lambda: self.rfile.readline(4096).strip(b"\r\n"), b""))
        body = b"canary" if head.startswith(b"GET ") else b""
        self.wfile.write(b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\nconnection: close\r\n")
        self.wfile.write(b"content-type: text/plain\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


class Events:
    """Reads a session's events from its SSE stream, each as the JSON it carries."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon

    async def until(
        self, session: Json, enough: Callable[[list[Json]], bool], *, after: int = 0, timeout_s: float = 5.0
    ) -> list[Json]:
        """Read from the first event after `after` until `enough` holds, or the session ends; return what was read."""
        seen: list[Json] = []
        try:
            async with asyncio.timeout(timeout_s):
                async for event in self._read(session, after):
                    seen.append(event)
                    if enough(seen):
                        return seen
        except TimeoutError:
            told = [(event["type"], event["data"]) for event in seen]
            raise AssertionError(f"what was waited for has not happened in {timeout_s} s; what has: {told}") from None
        assert enough(seen), f"the events ended too early: {[event['type'] for event in seen]}"
        return seen

    async def _read(self, session: Json, after: int) -> AsyncGenerator[Json]:
        url = f"{self._daemon.base_url}/v1/sessions/{session['id']}/events?after={after}"
        headers = {"authorization": f"Bearer {self._daemon.key}"}
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=30) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def wait(
        self, session: Json, type_: str, where: Callable[[Json], bool] = lambda _: True, *, timeout_s: float = 5.0
    ) -> Json:
        """Wait for the first event of this type whose data fits; return its data."""

        def fits(event: Json) -> bool:
            return event["type"] == type_ and where(event["data"])

        seen = await self.until(session, lambda events: fits(events[-1]), timeout_s=timeout_s)
        data: Json = seen[-1]["data"]
        return data

    async def last_id(self, session: Json) -> int:
        """The id of the session's latest event, once none has come for a moment. Every session has one."""
        position = 0
        events = self._read(session, 0)
        try:
            while True:
                position = int((await asyncio.wait_for(anext(events), 0.3))["id"])
        except TimeoutError:
            return position
        finally:
            await events.aclose()

    async def refusals(self, session: Json, *expected: Refused, after: int = 0) -> set[Refused]:
        """Wait until all of these refusals have been told; return all that have."""

        def told(events: list[Json]) -> set[Refused]:
            data = [event["data"] for event in events if event["type"] == "egress.refused"]
            return {(one["host"], one["port"], one["reason"]) for one in data}

        return told(await self.until(session, lambda events: told(events) >= set(expected), after=after))


class Tabs:
    """Opens tabs in one browser context."""

    def __init__(self, client: CdpClient, context: str) -> None:
        self.client = client
        self._context = context

    async def open(self, url: str = "about:blank") -> CdpPage:
        """Open a tab and return it once it has loaded."""
        wanted = {"url": "about:blank", "browserContextId": self._context}
        page = await self.client.attach((await self.client.send("Target.createTarget", wanted))["targetId"])
        await page.send("Page.enable")
        if url != "about:blank":
            await page.goto(url)
        return page


@pytest.fixture(scope="session")
def _web() -> Iterator[World]:
    """The local web of `tests/conftest.py`, but behind a wire."""
    with World() as world:
        yield world


@pytest.fixture(scope="module")
def _shared_daemon(_web: World, request: pytest.FixtureRequest) -> Iterator[DaemonProcess]:
    """One daemon for a module, with the module's `SETTINGS` if it has any."""
    settings: dict[str, Any] = getattr(request.module, "SETTINGS", {})
    with DaemonProcess(resolver_hosts=_web.hosts_file, **(AS_SHIPPED | settings)) as process:
        yield process


@pytest.fixture
async def daemon(local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """A daemon for one test, to be killed and configured."""
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **AS_SHIPPED) as process:
        yield process


@pytest.fixture
async def shared_daemon(_shared_daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """The module's daemon. Sessions of a test end with it; those of the module stay."""
    yield _shared_daemon
    listed = await _shared_daemon.request("GET", "/v1/sessions?limit=200")
    for session in listed.json["sessions"]:
        if session["status"] not in ("closed", "failed") and session["labels"] != OF_THE_MODULE:
            await _shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")


@pytest.fixture
async def session(shared_daemon: DaemonProcess) -> Json:
    """A session with nothing asked."""
    return await shared_daemon.create_session()


@pytest.fixture(scope="module")
def kept_session(_shared_daemon: DaemonProcess) -> Json:
    """A session that a module's tests share: for those that only open pages in it."""
    url, headers = f"{_shared_daemon.base_url}/v1/sessions", {"authorization": f"Bearer {_shared_daemon.key}"}
    answer = http.request("POST", url, {"labels": OF_THE_MODULE}, headers=headers)
    assert answer.status == 201, answer.body
    session: Json = answer.json
    return session


@pytest.fixture
async def browser(cdp: Connect, session: Json) -> CdpClient:
    """A raw DevTools client, connected to `session`."""
    return await cdp(session["connect_url"])


@pytest.fixture
async def tabs(cdp: Connect, kept_session: Json) -> AsyncIterator[Tabs]:
    """Tabs of the module's session, in a context that ends with the test."""
    client = await cdp(kept_session["connect_url"])
    context = (await client.send("Target.createBrowserContext"))["browserContextId"]
    yield Tabs(client, context)
    await client.send("Target.disposeBrowserContext", {"browserContextId": context})


@pytest.fixture
def browser_pid() -> Callable[[DaemonProcess, Json], Awaitable[int]]:
    """`await browser_pid(daemon, session)`: the browser's pid on the host.

    The agent knows the one inside, the kernel both (proc_pid_status(5), NSpid).
    """

    async def find(daemon: DaemonProcess, session: Json) -> int:
        health = (await daemon.request("GET", f"/v1/sessions/{session['id']}/health?fresh=true")).json
        record = json.loads((daemon.run_dir / session["id"] / "sandbox.json").read_text())
        sandbox = Path(f"/proc/{record['inner']['pid']}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and (entry / "ns/pid").readlink() == sandbox:
                    pids = (entry / "status").read_text().partition("NSpid:")[2].partition("\n")[0].split()
                    if pids[-1] == str(health["browser_pid"]):
                        return int(pids[0])
        raise AssertionError(f"no process is {health['browser_pid']} in the sandbox")

    return find


@pytest.fixture
def events(shared_daemon: DaemonProcess) -> Events:
    return Events(shared_daemon)


@pytest.fixture
def events_of() -> Callable[[DaemonProcess], Events]:
    return Events


@pytest.fixture(scope="session")
def _canary(_web: World) -> Iterator[Canary]:
    with Canary() as canary:
        yield canary


@pytest.fixture
def canary(_canary: Canary) -> Canary:
    """A service of the host that nobody has called yet."""
    _canary.callers.clear()
    return _canary


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[BrowserType]:
    """Playwright's Chromium, of which only `connect_over_cdp` is used: no browser has been downloaded.

    Its driver takes longer to start than a session, so a module shares it; the module's tests run in one loop.
    """
    async with async_playwright() as playwright:
        yield playwright.chromium


def _furnish(interface: str, addresses: tuple[str, ...], beyond: tuple[str, ...]) -> None:
    """Give one end its addresses and send what is for those beyond down the wire; there is no other route."""
    index = socket.if_nametoindex(interface)
    for text in addresses:
        rtnetlink.add_address(interface, ip_address(text))
    rtnetlink.switch(interface, up=True)
    for address in map(ip_address, beyond):
        if address.version == 4 or rtnetlink.has_ipv6():
            # rtmsg: family, lengths, tos, table main, protocol boot, scope (link for IPv4), type unicast, flags.
            family, scope = (socket.AF_INET, 253) if address.version == 4 else (socket.AF_INET6, 0)
            route = struct.pack("=BBBBBBBBI", family, address.max_prefixlen, 0, 0, 254, 3, scope, 1, 0)
            route += attribute(1, address.packed) + attribute(4, struct.pack("=I", index))
            ask(NEW_ROUTE, CREATE, route)
