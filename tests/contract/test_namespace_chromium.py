"""The real agent and the real Chromium in a real sandbox."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.ids import new_session_id
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.namespace.handle import NamespaceSandbox
from cloche.sandbox.spec import Engine, SandboxSpec
from cloche.testing.driver_case import WAIT_S
from cloche.wire.agent_config import AgentConfig, BrowserConfig
from cloche.wire.preface import Preface, StreamKind, parse_answer

SHELL = Path("/usr/lib/chromium/chromium-headless-shell")
ARGS = (
    "--headless",
    "--remote-debugging-port=9222",
    "--user-data-dir=/data/profile",
    "--no-first-run",
    "--proxy-server=socks5://127.0.0.1:1080",
    "--ignore-certificate-errors",
    f"file://{places.WELCOME}",
)


class Glass:
    """One session's sandbox with its browser, seen from where the daemon stands."""

    def __init__(self, driver: NamespaceDriver, sandbox: NamespaceSandbox) -> None:
        self.driver, self.sandbox = driver, sandbox
        self.messages: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    async def on_link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.messages.append(json.loads(line))
            self.changed.set()
        writer.close()

    async def message(self, type_: str, **payload: Any) -> dict[str, Any]:
        """Wait for a message whose payload holds these values."""
        async with asyncio.timeout(20):
            while True:
                for message in self.messages:
                    if message["type"] == type_ and payload.items() <= message.get("payload", {}).items():
                        return message
                self.changed.clear()
                await self.changed.wait()

    async def passed(self, kind: StreamKind) -> socket.socket:
        """Ask the agent to hand over a socket."""
        loop = asyncio.get_running_loop()
        with await self.driver.connect(self.sandbox) as stream:
            await loop.sock_sendall(stream, Preface(kind, True, 5).encode())
            while True:
                try:
                    data, (fd, *_), _, _ = socket.recv_fds(stream, 1024, 1)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.01)
        assert parse_answer(data.strip()).ok
        received = socket.socket(fileno=fd)
        received.setblocking(False)
        return received

    async def devtools(self, method: str, path: str) -> Any:
        """One request to Chromium's DevTools port over a passed descriptor."""
        reader, writer = await asyncio.open_connection(sock=await self.passed(StreamKind.DEVTOOLS))
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        writer.close()
        await writer.wait_closed()
        return body


@pytest.fixture
async def glass(namespace_config: NamespaceConfig) -> AsyncIterator[Glass]:
    config = replace(namespace_config, engines={Engine.SHELL: SHELL}, agent_argv=())
    driver = NamespaceDriver(config)
    session_id = new_session_id()
    browser = BrowserConfig(args=ARGS, env={"HOME": "/data/home", "LANG": "C.UTF-8"})
    agent_config = AgentConfig(session_id=session_id, token="token", browser=browser)
    sandbox = await driver.create(SandboxSpec(session_id=session_id, agent_config=agent_config))
    assert isinstance(sandbox, NamespaceSandbox)
    glass = Glass(driver, sandbox)
    server = await asyncio.start_unix_server(glass.on_link, sandbox.link_path)
    await asyncio.to_thread(sandbox.link_path.chmod, 0o666)
    try:
        await driver.start(sandbox)
        yield glass
    finally:
        await driver.stop(sandbox, grace_s=WAIT_S)
        await driver.destroy(sandbox)
        server.close()
        await server.wait_closed()


async def test_the_agent_registers_and_the_browser_is_reached_through_a_passed_descriptor(glass: Glass) -> None:
    registered = await glass.message("register")
    assert registered["payload"]["token"] == "token"
    ready = await glass.message("browser", state="ready")
    version = await glass.devtools("GET", "/json/version")
    assert version["Browser"] == ready["payload"]["product"]


async def test_the_welcome_page_opens_in_it(glass: Glass) -> None:
    await glass.message("browser", state="ready")
    async with asyncio.timeout(WAIT_S):
        while not [page for page in await glass.devtools("GET", "/json/list") if page["title"].startswith("Cloche")]:
            await asyncio.sleep(0.02)


async def test_a_page_over_tls_loads_by_way_of_the_egress_socket(glass: Glass) -> None:
    await glass.message("browser", state="ready")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(trustme.CA().issue_cert("secure.test").configure_cert, context)
    web = await asyncio.start_server(answer_page, "127.0.0.1", 0, ssl=context)
    gateway = await asyncio.start_server(
        lambda reader, writer: answer_socks(reader, writer, web.sockets[0].getsockname()[1]),
        sock=await glass.passed(StreamKind.EGRESS),
    )
    async with web, gateway:
        await glass.devtools("PUT", "/json/new?https://secure.test/")
        async with asyncio.timeout(10):
            while "over tls" not in [page["title"] for page in await glass.devtools("GET", "/json/list")]:
                await asyncio.sleep(0.02)


async def answer_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b"<title>over tls</title>"
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    )
    writer.write(body)
    await writer.drain()
    writer.close()


async def answer_socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """The least of SOCKS5 (RFC 1928) that a browser needs: no authentication, CONNECT to a name."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    *_, length = await reader.readexactly(5)
    await reader.readexactly(length + 2)
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    back = spawn(copy(far_reader, writer), name="copy")
    try:
        await copy(reader, far_writer)
        await back
    except ConnectionError:
        pass
    finally:
        await cancel_and_wait(back)


async def test_chromiums_own_sandbox_is_on(glass: Glass) -> None:
    await glass.message("browser", state="ready")
    assert not [word for words in processes_of(glass.sandbox).values() for word in words if "no-sandbox" in word]
    (browser,) = of_type(glass.sandbox, None)
    # A renderer shuts itself in as the first thing it does; until then it has been told of no page.
    async with asyncio.timeout(WAIT_S):
        while not (renderers := of_type(glass.sandbox, "renderer")) or not all(is_shut_in(pid) for pid in renderers):
            await asyncio.sleep(0.02)
    for renderer in renderers:
        for kind in ("user", "pid", "net"):
            assert os.readlink(f"/proc/{renderer}/ns/{kind}") != os.readlink(f"/proc/{browser}/ns/{kind}")


def is_shut_in(pid: int) -> bool:
    """Under a seccomp filter (mode 2, seccomp(2)) and unable to gain privileges."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {"Seccomp:\t2", "NoNewPrivs:\t1"} <= set(lines)


async def test_stop_lets_the_agent_take_its_leave(glass: Glass) -> None:
    await glass.message("browser", state="ready")
    await glass.driver.stop(glass.sandbox, grace_s=WAIT_S)
    assert (await glass.driver.poll(glass.sandbox)).exit_code == 0
    assert await glass.message("deregister")


def processes_of(sandbox: NamespaceSandbox) -> dict[int, list[str]]:
    """Command lines of everyone inside, by host pid, found as the init's descendants."""
    assert sandbox.processes.inner is not None
    found: dict[int, list[str]] = {}
    waiting = [sandbox.processes.inner.identity.pid]
    while waiting:
        pid = waiting.pop()
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                waiting += [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace(" ", "\0").split("\0")
        except FileNotFoundError:
            continue
    return found


def of_type(sandbox: NamespaceSandbox, type_: str | None) -> list[int]:
    chromium = {pid: words for pid, words in processes_of(sandbox).items() if words[0].startswith(places.BROWSER)}
    if type_ is None:
        return [pid for pid, words in chromium.items() if not any(word.startswith("--type=") for word in words)]
    return [pid for pid, words in chromium.items() if f"--type={type_}" in words]
