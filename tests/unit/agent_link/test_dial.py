"""Ways to an agent's socket, and what is said of those that lead nowhere."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent_link import dial
from cloche.agent_link.dial import dial_firecracker, dial_unix, dial_vsock
from cloche.agent_link.guest import ask
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError, DeadlineError, SandboxError
from cloche.testing import vsock
from cloche.testing.guest_peer import SILENCE, GuestPeer, frame
from cloche.wire.guest import Tagged, Verb

PING = Tagged(Verb.PING)
OK = b"OK 1073741824\n"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[socket.socket]:
    """A listener whose backlog has no room."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                waiting.connect(str(tmp_path / "s"))
        yield listener


async def test_frames_go_over_a_unix_socket_at_once(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s") as peer:
        connection = await dial_unix(str(peer.path))
        assert connection.gettimeout() == 0, "it would block the loop"
        assert await ask(connection, PING, timeout_s=5) == ("Pong", {})


async def test_a_symbolic_link_to_a_socket_is_as_good(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("s")
    async with GuestPeer(tmp_path / "s"):
        assert await ask(await dial_unix(str(tmp_path / "link")), PING, timeout_s=5) == ("Pong", {})


async def test_a_path_that_leads_nowhere_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale"))
    for name, why in {
        "missing": "no such socket",
        "dangling": "no such socket",
        "file": "no socket",
        ".": "no socket",
        "stale": "nobody listens",
        "file/s": "could not connect: Not a directory",
        "x" * 120: "too long",
    }.items():
        with pytest.raises(AgentError, match=why) as failure:
            await dial_unix(str(tmp_path / name))
        assert str(tmp_path) not in failure.value.detail


async def test_a_full_backlog_is_waited_for(full: socket.socket, tmp_path: Path) -> None:
    dialling = spawn(dial_unix(str(tmp_path / "s")), name="dial")
    full.setblocking(False)
    while not dialling.done():
        with contextlib.suppress(BlockingIOError):
            full.accept()[0].close()
        await asyncio.sleep(0)
    (await dialling).close()


async def test_a_backlog_that_stays_full_is_given_up(full: socket.socket, tmp_path: Path) -> None:
    with pytest.raises(DeadlineError):
        await dial_unix(str(tmp_path / "s"), timeout_s=0.05)


async def test_a_monitor_is_asked_for_the_port(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(OK,)) as peer:
        assert await ask(await dial_firecracker(str(peer.path)), PING, timeout_s=5) == ("Pong", {})
        assert await ask(await dial_firecracker(str(peer.path), 5252), PING, timeout_s=5) == ("Pong", {})
    assert peer.connects == [b"CONNECT 52\n", b"CONNECT 5252\n"]


@pytest.mark.parametrize("line", [b"OK \n", b"OK 52\r\n", b"OK whatever it says\n"])
async def test_any_line_that_begins_with_ok_will_do(tmp_path: Path, line: bytes) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(line,)) as peer:
        (await dial_firecracker(str(peer.path))).close()


async def test_what_comes_behind_the_line_is_left_for_the_frames(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(OK + frame("Pong"),)) as peer:
        with await dial_firecracker(str(peer.path)) as connection:
            assert await asyncio.get_running_loop().sock_recv(connection, 100) == frame("Pong")


@pytest.mark.parametrize(
    "line", [b"OK\n", b"ok 1\n", b"\n", b"ERR no\n", b"HTTP/1.1 400 Bad\n", b"\xff\n", b"O" * 9999]
)
async def test_another_line_is_no_monitors(tmp_path: Path, line: bytes) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(line,)) as peer:
        with pytest.raises(AgentError, match="no virtual machine monitor"):
            await dial_firecracker(str(peer.path))
    assert peer.connections == 1, "only silence is worth another attempt"


async def test_a_monitor_that_hangs_up_has_nobody_behind_the_port(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(None,)) as peer:
        with pytest.raises(AgentError, match="nothing in the virtual machine listens"):
            await dial_firecracker(str(peer.path))
    assert peer.connections == 1


async def test_a_monitor_that_is_slow_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "RETRY_PAUSE_S", 0)
    async with GuestPeer(tmp_path / "s", monitor=(SILENCE, SILENCE, OK)) as peer:
        connection = await dial_firecracker(str(peer.path), timeout_s=0.2)
        assert await ask(connection, PING, timeout_s=5) == ("Pong", {})
    assert peer.connections == 3


async def test_a_monitor_that_stays_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "RETRY_PAUSE_S", 0)
    async with GuestPeer(tmp_path / "s", monitor=(SILENCE,)) as peer:
        with pytest.raises(DeadlineError):
            await dial_firecracker(str(peer.path), timeout_s=0.05)
    assert peer.connections == 3 and set(peer.connects) == {b"CONNECT 52\n"}


async def test_one_that_is_cancelled_hangs_up_on_the_monitor(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", monitor=(SILENCE,)) as peer:
        dialling = spawn(dial_firecracker(str(peer.path)), name="dial")
        while not peer.connects:
            await asyncio.sleep(0)
        await cancel_and_wait(dialling)
        await peer.until_left()
    assert dialling.cancelled()


@given(st.binary(max_size=80))
@settings(max_examples=50)
def test_a_monitors_reply_is_ok_or_refused(reply: bytes) -> None:
    async def read() -> bool:
        connection, monitor = socket.socketpair()
        connection.setblocking(False)
        with connection, monitor:
            monitor.send(reply + b"\n")
            monitor.shutdown(socket.SHUT_WR)
            try:
                await dial._ask_for_port(connection, 52)
            except AgentError:
                return False
            return connection.recv(200) == (reply + b"\n").partition(b"\n")[2]

    line = reply.partition(b"\n")[0]
    is_ok = line.startswith(b"OK ") and len(line) < 64 and b"\r" not in line.removesuffix(b"\r")
    assert asyncio.run(read()) is is_ok


async def test_a_virtual_machine_that_is_not_there_is_not_reached() -> None:
    # On every kernel: without vsock, without a route to the machine, or with one that does not answer.
    with pytest.raises(SandboxError):
        await dial_vsock(4_000_000_000, 52, timeout_s=0.2)


async def test_a_connection_that_takes_its_time_is_waited_for() -> None:
    # What a connect over vsock waits for, on a family that every kernel has and whose connect is not done at once.
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as connection:
        connection.setblocking(False)
        await dial._connect_vsock(connection, "127.0.0.1", server.getsockname()[1])  # type: ignore[arg-type]
        assert connection.getpeername() == server.getsockname()
        server.accept()[0].close()
    with socket.socket() as refused, pytest.raises(ConnectionRefusedError):
        refused.setblocking(False)
        await dial._connect_vsock(refused, "127.0.0.1", 1)  # type: ignore[arg-type]


if vsock.has_loopback():

    async def test_an_agent_answers_over_vsock() -> None:
        port = vsock.free_port()
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listener:
            listener.bind((socket.VMADDR_CID_ANY, port))
            listener.listen()
            asking = spawn(ask(await dial_vsock(vsock.CID_LOCAL, port), PING, timeout_s=5), name="ask")
            agent, _ = await asyncio.get_running_loop().sock_accept(listener)
            with agent:
                assert await asyncio.get_running_loop().sock_recv(agent, 100) == frame("Ping")
                await asyncio.get_running_loop().sock_sendall(agent, frame("Pong"))
                assert await asking == ("Pong", {})
