import array
import asyncio
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from cloche.agent_link import streams
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, DeadlineError
from cloche.wire.agent_config import DEVTOOLS_PORT, EGRESS_PORT
from cloche.wire.preface import Answer, Preface, StreamKind, parse_preface

PATH = "/devtools/browser/00000000-0000-4000-8000-000000000000"
OK = Answer(True, devtools_path=PATH).encode()


class Agent:
    """The agent's end of one stream: what it was asked, and what it will answer."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    async def asked(self) -> Preface:
        line = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.connection, 1024), 5)
        assert line.endswith(b"\n")
        return parse_preface(line[:-1])

    def answer(self, data: bytes, *passed: int) -> None:
        """One message, with descriptors in one control message."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))] if passed else []
        self.connection.sendmsg([data], rights)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[socket.socket, Agent]]:
    guest, other = socket.socketpair()
    guest.setblocking(False)
    other.setblocking(False)
    with guest, other:
        yield guest, Agent(other)
        assert guest.fileno() == -1, "the stream's own connection was not closed"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ANSWER_SLACK_S", 0.05)


@contextmanager
def browser() -> Iterator[socket.socket]:
    """A connection to whatever listens where Chromium would."""
    with socket.create_server(("127.0.0.1", DEVTOOLS_PORT)) as listener:
        connection = socket.create_connection(("127.0.0.1", DEVTOOLS_PORT))
        accepted, _ = listener.accept()
        with connection, accepted:
            yield connection


async def test_a_connection_to_the_browser_is_taken_as_it_is(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    with browser() as passed:
        asking = spawn(streams.open_devtools(guest, wait_s=3), name="ask")
        assert await agent.asked() == Preface(StreamKind.DEVTOOLS, True, 3.0)
        agent.answer(OK, passed.fileno())
        connection, path = await asking
        with connection:
            assert path == PATH
            assert connection.getpeername() == passed.getpeername()
            assert connection.getsockname() == passed.getsockname()
            assert not connection.getblocking()
            assert not connection.get_inheritable()


async def test_the_listener_for_the_gateway_is_taken_as_it_is(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    with socket.create_server(("127.0.0.1", EGRESS_PORT)) as passed:
        asking = spawn(streams.open_egress(guest), name="ask")
        assert (await agent.asked()).kind is StreamKind.EGRESS
        agent.answer(Answer(True).encode(), passed.fileno())
        with await asking as listener:
            assert listener.getsockname() == ("127.0.0.1", EGRESS_PORT)
            assert not listener.getblocking()


async def test_an_answer_may_come_in_pieces_and_the_descriptor_with_any_of_them(
    pair: tuple[socket.socket, Agent],
) -> None:
    guest, agent = pair
    with browser() as passed:
        asking = spawn(streams.open_devtools(guest, wait_s=3), name="ask")
        await agent.asked()
        agent.answer(OK[:5])
        await asyncio.sleep(0)
        agent.answer(OK[5:], passed.fileno())
        connection, _ = await asking
        connection.close()


# --- what is no browser ----------------------------------------------------------------------------------------------


def a_file(stack: ExitStack) -> int:
    return stack.enter_context(tempfile.TemporaryFile()).fileno()


def a_pipe(stack: ExitStack) -> int:
    read, write = os.pipe()
    stack.callback(os.close, read)
    stack.callback(os.close, write)
    return read


def a_directory(stack: ExitStack) -> int:
    descriptor = os.open("/", os.O_RDONLY)
    stack.callback(os.close, descriptor)
    return descriptor


def a_unix_socket(stack: ExitStack) -> int:
    one, other = socket.socketpair()
    stack.enter_context(other)
    return stack.enter_context(one).fileno()


def an_unconnected_socket(stack: ExitStack) -> int:
    return stack.enter_context(socket.socket()).fileno()


def a_datagram_socket(stack: ExitStack) -> int:
    sock = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    sock.connect(("127.0.0.1", DEVTOOLS_PORT))
    return sock.fileno()


def a_connection_elsewhere(stack: ExitStack) -> int:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return stack.enter_context(socket.create_connection(listener.getsockname())).fileno()


def a_connection_over_ipv6(stack: ExitStack) -> int:
    listener = stack.enter_context(socket.create_server(("::1", DEVTOOLS_PORT), family=socket.AF_INET6))
    return stack.enter_context(socket.create_connection(listener.getsockname()[:2])).fileno()


def a_listener(stack: ExitStack) -> int:
    return stack.enter_context(socket.create_server(("127.0.0.1", DEVTOOLS_PORT))).fileno()


def a_listener_elsewhere(stack: ExitStack) -> int:
    return stack.enter_context(socket.create_server(("127.0.0.1", 0))).fileno()


def a_listener_on_every_address(stack: ExitStack) -> int:
    return stack.enter_context(socket.create_server(("0.0.0.0", EGRESS_PORT))).fileno()


def a_listener_over_ipv6(stack: ExitStack) -> int:
    return stack.enter_context(socket.create_server(("::1", EGRESS_PORT), family=socket.AF_INET6)).fileno()


def a_bound_socket(stack: ExitStack) -> int:
    sock = stack.enter_context(socket.socket())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", EGRESS_PORT))
    return sock.fileno()


WRONG: list[Callable[[ExitStack], int]] = [
    a_file,
    a_pipe,
    a_directory,
    a_unix_socket,
    an_unconnected_socket,
    a_datagram_socket,
    a_connection_elsewhere,
    a_connection_over_ipv6,
]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("make", [*WRONG, a_listener], ids=lambda make: make.__name__)
async def test_what_is_no_connection_to_the_browser_is_refused_and_closed(
    pair: tuple[socket.socket, Agent], make: Callable[[ExitStack], int]
) -> None:
    guest, agent = pair
    with ExitStack() as stack:
        passed, before = make(stack), open_descriptors()
        agent.answer(OK, passed)
        with pytest.raises(AgentError):
            await streams.open_devtools(guest, wait_s=1)
        assert open_descriptors() == before - 1, "only the stream's own connection may have gone"


@pytest.mark.parametrize(
    "make",
    [*WRONG, a_listener_elsewhere, a_listener_on_every_address, a_listener_over_ipv6, a_bound_socket],
    ids=lambda make: make.__name__,
)
async def test_what_is_no_listener_for_the_gateway_is_refused_and_closed(
    pair: tuple[socket.socket, Agent], make: Callable[[ExitStack], int]
) -> None:
    guest, agent = pair
    with ExitStack() as stack:
        passed, before = make(stack), open_descriptors()
        agent.answer(Answer(True).encode(), passed)
        with pytest.raises(AgentError):
            await streams.open_egress(guest)
        assert open_descriptors() == before - 1


@pytest.mark.parametrize("messages", [1, 2])
async def test_more_than_one_descriptor_leaves_none_too_many_open(
    pair: tuple[socket.socket, Agent], messages: int
) -> None:
    guest, agent = pair
    with browser() as passed, ExitStack() as stack:
        file, before = a_file(stack), open_descriptors()
        if messages == 1:
            agent.answer(OK, passed.fileno(), file, file)
        else:
            agent.answer(OK[:4], passed.fileno())
            agent.answer(OK[4:], passed.fileno())
        connection, _ = await streams.open_devtools(guest, wait_s=1)
        with connection:
            assert open_descriptors() == before, "one came, one went"


async def test_a_descriptor_beside_a_refusal_is_closed(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    with browser() as passed:
        before = open_descriptors()
        agent.answer(Answer(False, "browser_unavailable", "none").encode(), passed.fileno())
        with pytest.raises(AgentError) as caught:
            await streams.open_devtools(guest, wait_s=1)
        assert caught.value.fields["agent_code"] == "browser_unavailable"
        assert open_descriptors() == before - 1


async def test_an_answer_without_a_descriptor_is_no_connection(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    agent.answer(OK)

    with pytest.raises(AgentError):
        await streams.open_devtools(guest, wait_s=1)


async def test_a_socket_that_would_linger_is_closed_at_once(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as passed:
        passed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
        passed.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            passed.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    passed.send(b"x" * 65_536)
            agent.answer(OK, passed.fileno())
            passed.close()  # what the host holds is the last: its close(2) is the one that could wait
            async with asyncio.timeout(5):
                with pytest.raises(AgentError):
                    await streams.open_devtools(guest, wait_s=1)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/json/version",
        "devtools/browser/x",
        "/devtools/browser/",
        "/devtools/page/0000",
        "/devtools/browser/a b",
        "/devtools/browser/a\r\nX-Evil: 1",
        "/devtools/browser/../page/x",
        "/devtools/browser/" + "a" * 65,
        "/devtools/browser/a\n",
        "/devtools/browser/ä",
        "http://evil.test/devtools/browser/a",
    ],
)
async def test_a_browser_path_that_is_no_such_path_gets_nowhere(pair: tuple[socket.socket, Agent], path: str) -> None:
    guest, agent = pair
    with browser() as passed:
        before = open_descriptors()
        agent.answer(Answer(True, devtools_path=path).encode(), passed.fileno())
        with pytest.raises(AgentError):
            await streams.open_devtools(guest, wait_s=1)
        assert open_descriptors() == before - 1


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b'{"ok":"true"}\n',
        b'{"ok":1}\n',
        b'{"devtools_path":"/"}\n',
        b"\x00\xff\n",
        b"x" * 1100 + b"\n",
        b"[" * 1000 + b"\n",
        b'{"ok":true' + b" " * 2000,
    ],
)
async def test_an_answer_that_is_none_is_refused(pair: tuple[socket.socket, Agent], data: bytes) -> None:
    guest, agent = pair
    with browser() as passed:
        before = open_descriptors()
        agent.answer(data, passed.fileno())
        with pytest.raises(AgentError):
            await streams.open_devtools(guest, wait_s=1)
        assert open_descriptors() == before - 1


async def test_an_agent_that_hangs_up_is_told_at_once(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    agent.connection.close()

    with pytest.raises(AgentError):
        await streams.open_egress(guest)


@pytest.mark.parametrize("beginning", [b"", b'{"ok":'])
async def test_an_agent_that_does_not_answer_costs_only_so_much_time(
    pair: tuple[socket.socket, Agent], quick: None, beginning: bytes
) -> None:
    guest, agent = pair
    with ExitStack() as stack:
        if beginning:
            agent.answer(beginning, a_connection_elsewhere(stack))
        before = open_descriptors()
        with pytest.raises(DeadlineError):
            await streams.open_devtools(guest, wait_s=0.01)
        assert open_descriptors() == before - 1


async def test_an_agent_that_drips_its_answer_is_not_waited_for_beyond_the_deadline(
    pair: tuple[socket.socket, Agent], quick: None
) -> None:
    guest, agent = pair
    asking = spawn(streams.open_devtools(guest, wait_s=0.01), name="ask")
    await agent.asked()
    for byte in OK[:-1]:
        agent.answer(bytes([byte]))
        await asyncio.sleep(0)

    with pytest.raises(DeadlineError):
        await asking


async def test_one_that_is_cancelled_leaves_nothing_open(pair: tuple[socket.socket, Agent]) -> None:
    guest, agent = pair
    with ExitStack() as stack:
        passed = a_connection_elsewhere(stack)
        before = open_descriptors()
        asking = spawn(streams.open_devtools(guest, wait_s=3), name="ask")
        await agent.asked()
        agent.answer(OK[:5], passed)
        for _ in range(5):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert open_descriptors() == before - 1


@pytest.mark.parametrize(
    ("opens", "kind"), [(streams.open_http, StreamKind.HTTP), (streams.open_guest, StreamKind.GUEST)]
)
async def test_a_stream_to_talk_on_stays_open_and_a_stray_descriptor_does_not(
    opens: Callable[[socket.socket], Coroutine[Any, Any, socket.socket]], kind: StreamKind
) -> None:
    guest, other = socket.socketpair()
    guest.setblocking(False)
    with closing(guest), closing(other), ExitStack() as stack:
        other.setblocking(False)
        agent, file = Agent(other), a_file(stack)
        before = open_descriptors()
        asking = spawn(opens(guest), name="ask")
        assert await agent.asked() == Preface(kind)
        agent.answer(Answer(True).encode(), file)
        assert await asking is guest
        assert guest.fileno() != -1
        assert open_descriptors() == before
