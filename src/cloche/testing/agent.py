"""An agent that a test drives: it dials, registers, serves a guest socket and hands over real local sockets.

Where a real agent would have a network of its own, these share the test's: the DevTools port leads to whatever the
test listens with on 127.0.0.1:9222, and several agents bind 127.0.0.1:1080 side by side (SO_REUSEPORT).
"""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.guest_answers import HEALTH, METRICS, GuestAnswers
from cloche.testing.link_peer import LinkPeer, http_answer
from cloche.wire.agent_config import DEVTOOLS_PORT, EGRESS_PORT, AgentConfig
from cloche.wire.messages import AGENT_VERSION, AT_REST, BrowserState, Command, FromAgent, ToAgent
from cloche.wire.preface import Answer, Preface, StreamKind, parse_preface

PRODUCT: Final = "HeadlessChrome/1.2.3.4"
REDIAL_S: Final = 0.01


class AgentTemper(StrEnum):
    """How an agent behaves from its start on; whatever comes later a test does through its methods."""

    OK = "ok"
    NEVER_REGISTERS = "never_registers"
    WRONG_TOKEN = "wrong_token"  # noqa: S105
    GARBAGE = "garbage"  # talks nonsense instead of registering
    OVERSIZE = "oversize"  # its register is a line without end
    HALF_LINE = "half_line"
    SILENT_GUEST = "silent_guest"  # accepts streams and answers none
    NO_BROWSER = "no_browser"  # registers, and its browser is not ready until `restart_browser`
    AT_REST = "at_rest"  # registers, and its browser is at rest until `restart_browser`
    GIVES_UP = "gives_up"  # registers, says that its browser cannot be executed, and ends
    VANISHES = "vanishes"  # registers and ends without a word


class Handed(StrEnum):
    """What it hands over when it is asked for a socket."""

    RIGHT = "right"
    NOTHING = "nothing"
    FILE = "file"
    UNIX_SOCKET = "unix_socket"
    UNCONNECTED = "unconnected"
    WRONG_PORT = "wrong_port"


class FakeAgent:
    """Owns its tasks and sockets but for `guest`, the listening guest socket. `run` lasts until it is told to end."""

    def __init__(
        self,
        config: AgentConfig,
        link: Path,
        guest: socket.socket,
        *,
        temper: AgentTemper = AgentTemper.OK,
        handed: Handed = Handed.RIGHT,
    ) -> None:
        self.config, self.temper, self.handed = config, temper, handed
        self.commands: list[Command] = []
        self.heard = asyncio.Condition()
        """Told of every command."""
        self.pages: dict[str, Any] = {"/health": HEALTH, "/metrics": METRICS}
        """What its HTTP API answers, by path."""
        self.serve_http: Callable[[socket.socket], Awaitable[None]] | None = None
        """Takes over an HTTP stream from its first byte on."""
        self.guest_answers = GuestAnswers(exec_enabled=config.exec_enabled and config.exec_allowed)
        self.asked: list[StreamKind] = []
        """For which streams, in order."""
        self.may_dial = asyncio.Event()
        self.may_dial.set()
        self._link_path, self._guest = link, guest
        self._link: LinkPeer | None = None
        self._state: dict[str, Any] = {"state": str(BrowserState.STARTING), "pid": 3}
        self._browser = asyncio.Event()
        self._generation = 0
        self._restarts = 0
        self._streams: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._egress: socket.socket | None = None

    @property
    def devtools_path(self) -> str:
        return f"/devtools/browser/00000000-0000-4000-8000-{self._generation:012}"

    async def run(self) -> None:
        """Serve until asked to shut down, or until `end` is called."""
        if self.temper in {AgentTemper.OK, AgentTemper.SILENT_GUEST}:
            self._be_ready()
        elif self.temper is AgentTemper.AT_REST:
            self._state = {"state": str(BrowserState.STOPPED), "reason": AT_REST}
        with socket.create_server(("127.0.0.1", EGRESS_PORT), reuse_port=True) as self._egress:
            tasks = [spawn(self._serve_guest(), name="agent-guest"), spawn(self._keep_linked(), name="agent-link")]
            try:
                await self._ended.wait()
            finally:
                await cancel_and_wait(*tasks, *self._streams)

    def end(self) -> None:
        """Let it exit, as it does after a shutdown or when its browser cannot be kept."""
        self._ended.set()

    # --- what a test makes it do ------------------------------------------------------------------------------------

    async def say(self, type_: FromAgent, payload: dict[str, Any]) -> None:
        assert self._link is not None, "it is not connected"
        await self._link.send(type_, payload)

    async def say_raw(self, data: bytes) -> None:
        assert self._link is not None, "it is not connected"
        await self._link.send_raw(data, may_fail=True)

    async def heartbeat(self, **changes: Any) -> None:
        await self.say(FromAgent.HEARTBEAT, HEALTH | changes)

    async def metrics(self, **changes: Any) -> None:
        await self.say(FromAgent.METRICS, METRICS | changes)

    async def told(self, type_: ToAgent, payload: dict[str, Any]) -> None:
        """Wait until the last command of this type has this payload."""

        def is_told() -> bool:
            return [command.payload for command in self.commands if command.type == type_][-1:] == [payload]

        async with self.heard, asyncio.timeout(5):
            await self.heard.wait_for(is_told)

    async def crash_browser(self) -> None:
        """The browser dies, and is on its way up again until `restart_browser`."""
        self._browser.clear()
        await self._report(BrowserState.EXITED, pid=3, signal=11, reason="crashed")
        self._restarts += 1
        await self._report(BrowserState.RESTARTING, restarts=self._restarts, delay_s=0.1)

    async def restart_browser(self) -> None:
        self._be_ready()
        await self.say(FromAgent.BROWSER, self._state)

    async def stop_browser(self) -> None:
        """The browser is stopped on request, and stays so until `restart_browser`."""
        self._browser.clear()
        await self._report(BrowserState.EXITED, pid=3, exit_code=0, reason="stopped")
        await self._report(BrowserState.STOPPED)

    async def give_up(self, reason: str = "restart_budget_spent") -> None:
        await self._report(BrowserState.GAVE_UP, restarts=self._restarts, reason=reason, log_tail="boom\n\x1b[2J")

    async def lose_link(self, *, stay_away: bool = False) -> None:
        """Hang up; it dials again at once, or when the test sets `may_dial`."""
        assert self._link is not None, "it is not connected"
        if stay_away:
            self.may_dial.clear()
        self._link.shut()

    # --- the link ---------------------------------------------------------------------------------------------------

    def _be_ready(self) -> None:
        self._generation += 1
        self._state = {
            "state": str(BrowserState.READY),
            "pid": 3,
            "devtools_path": self.devtools_path,
            "product": PRODUCT,
            "restarts": self._restarts,
            "start_ms": 1,
        }
        self._browser.set()

    async def _report(self, state: BrowserState, **facts: Any) -> None:
        self._state = {"state": str(state), **facts}
        await self.say(FromAgent.BROWSER, self._state)

    async def _keep_linked(self) -> None:
        while self.temper is not AgentTemper.NEVER_REGISTERS:
            await self.may_dial.wait()
            with contextlib.suppress(OSError, EOFError):
                async with LinkPeer(self._link_path, self.config.session_id) as self._link:
                    await self._talk(self._link)
            self._link = None
            await asyncio.sleep(REDIAL_S)

    async def _talk(self, link: LinkPeer) -> None:
        match self.temper:
            case AgentTemper.WRONG_TOKEN:
                await link.register("not-the-token")
            case AgentTemper.GARBAGE:
                await link.send_raw(b"\x00\xff garbage\n" * 100)
            case AgentTemper.OVERSIZE:
                await link.send_raw(b'{"type":"register","x":"' + b"x" * 200_000, may_fail=True)
            case AgentTemper.HALF_LINE:
                await link.send_raw(b'{"type":"regis')
            case _:
                await self._register(link)
        while True:
            command = await link.next_command(timeout_s=3600)
            async with self.heard:
                self.commands.append(command)
                self.heard.notify_all()
            if command.type == ToAgent.SHUTDOWN:
                self.end()

    async def _register(self, link: LinkPeer) -> None:
        await link.register(
            self.config.token, version=AGENT_VERSION, pid=2, workspace=self.config.workspace, browser=self._state
        )
        if self.temper is AgentTemper.GIVES_UP:
            await link.send(FromAgent.BROWSER, {"state": "exited", "pid": 3, "exit_code": 127, "reason": "exec_failed"})
            await self.give_up("exec_failed")
        if self.temper in {AgentTemper.GIVES_UP, AgentTemper.VANISHES}:
            self.end()

    # --- the guest socket -------------------------------------------------------------------------------------------

    async def _serve_guest(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._guest)
            connection.setblocking(False)
            stream = spawn(self._serve_stream(connection), name="agent-stream")
            self._streams.add(stream)
            stream.add_done_callback(self._streams.discard)

    async def _serve_stream(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with connection, contextlib.suppress(OSError):
            preface = parse_preface((await loop.sock_recv(connection, 1024)).rstrip())
            self.asked.append(preface.kind)
            if self.temper is AgentTemper.SILENT_GUEST:
                await self._ended.wait()
            elif preface.kind is StreamKind.HTTP:
                await loop.sock_sendall(connection, Answer(True).encode())
                await (self.serve_http or self._serve_page)(connection)
            elif preface.kind is StreamKind.GUEST:
                await loop.sock_sendall(connection, Answer(True).encode())
                await self.guest_answers.serve(connection)
            else:
                await self._hand_over(connection, preface)

    async def _serve_page(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        path = (await loop.sock_recv(connection, 4096)).split(b" ")[1].decode()
        await loop.sock_sendall(connection, http_answer(self.pages[path]))

    async def _hand_over(self, connection: socket.socket, preface: Preface) -> None:
        with contextlib.ExitStack() as stack:
            passed, path = await self._what_to_pass(preface, stack), ""
            if preface.kind is StreamKind.DEVTOOLS:
                path = self.devtools_path
            if passed is None:
                connection.send(Answer(False, "browser_unavailable", "no browser is ready").encode())
            elif passed < 0:
                connection.send(Answer(True, devtools_path=path).encode())
            else:
                socket.send_fds(connection, [Answer(True, devtools_path=path).encode()], [passed])

    async def _what_to_pass(self, preface: Preface, stack: contextlib.ExitStack) -> int | None:
        """A descriptor; -1 for none at all; None to refuse."""
        if self.handed is not Handed.RIGHT:
            return _wrong(self.handed, stack)
        if preface.kind is StreamKind.EGRESS:
            assert self._egress is not None
            return self._egress.fileno()
        try:
            async with asyncio.timeout(preface.wait_s):
                await self._browser.wait()
        except TimeoutError:
            return None
        browser = stack.enter_context(socket.socket())
        browser.setblocking(False)
        await asyncio.get_running_loop().sock_connect(browser, ("127.0.0.1", DEVTOOLS_PORT))
        return browser.fileno()


def _wrong(handed: Handed, stack: contextlib.ExitStack) -> int:
    if handed is Handed.FILE:
        return stack.enter_context(tempfile.TemporaryFile()).fileno()
    if handed is Handed.UNIX_SOCKET:
        return stack.enter_context(socket.socket(socket.AF_UNIX)).fileno()
    if handed is Handed.UNCONNECTED:
        return stack.enter_context(socket.socket()).fileno()
    if handed is Handed.WRONG_PORT:
        return stack.enter_context(socket.create_server(("127.0.0.1", 0))).fileno()
    return -1
