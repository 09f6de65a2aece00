import json
import os
import signal
import time
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.uri import parse_uri

from cloche.agent import streams
from cloche.agent.machine.process import attach
from cloche.testing.agent_http import PATIENCE_S, Client, Connection, decode

from .conftest import Machine, ended, spawn, status

UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Attached:
    """A client by another hand (`websockets`, without its input and output) at one process."""

    def __init__(self, connection: Connection, target: str) -> None:
        self.connection = connection
        self.protocol = ClientProtocol(parse_uri(f"ws://agent{target}"))
        self.output = b""
        self.texts: list[dict[str, Any]] = []
        self.pings = 0
        self.pongs: list[bytes] = []
        self.close: Close | None = None

    async def open(self) -> None:
        self.protocol.send_request(self.protocol.connect())
        await self.flush()
        while not self.protocol.events_received() and self.protocol.handshake_exc is None:
            assert await self.read()
        assert self.protocol.handshake_exc is None

    async def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                await self.connection.send(data)

    async def read(self) -> bool:
        """Take what has come; false at the end."""
        sock = self.connection.sock
        data = await streams.receive(self.connection.loop, sock, 1 << 18, time.monotonic() + PATIENCE_S)
        if data:
            self.protocol.receive_data(data)
        return bool(data)

    def sort(self) -> None:
        for event in self.protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.BINARY:
                self.output += event.data
            elif event.opcode is Opcode.TEXT:
                self.texts.append(json.loads(event.data))
            elif event.opcode is Opcode.PING:
                self.pings += 1
            elif event.opcode is Opcode.PONG:
                self.pongs.append(bytes(event.data))

    async def until(self, holds: Any) -> None:
        self.sort()
        while not holds(self):
            assert await self.read(), (self.output, self.texts)
            self.sort()
            await self.flush()

    async def rest(self) -> None:
        """Everything to the end, which is a Close frame and then the end of the stream."""
        while await self.read():
            self.sort()
            await self.flush()
        self.sort()
        self.close = self.protocol.close_rcvd

    async def type(self, data: bytes) -> None:
        self.protocol.send_binary(data)
        await self.flush()

    async def say(self, value: object) -> None:
        self.protocol.send_text(json.dumps(value).encode())
        await self.flush()


async def attached(client: Client, id_: str, query: str = "") -> Attached:
    target = f"/process/{id_}/attach{query}"
    found = Attached(client.connect(), target)
    await found.open()
    return found


def test_input_goes_in_output_comes_out_and_the_exit_is_told_before_the_end(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "read x; echo got $x; echo err >&2; exit 5"))
        await one.type(b"this\n")
        await one.rest()
        assert b"got this\n" in one.output and b"err\n" in one.output and len(one.output) == 13
        assert one.texts == [{"type": "exit", "exitCode": 5, "signal": None}]
        assert one.close is not None and one.close.code == 1000

    machine.run(scenario)


def test_several_may_attach_and_see_the_same_from_the_beginning(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "echo first; read x; echo second; kill -INT $$")
        one = await attached(client, id_)
        await one.until(lambda one: one.output == b"first\n")
        other = await attached(client, id_)
        third = await attached(client, id_, "?offset=3")
        await other.until(lambda other: other.output == b"first\n")
        await other.type(b"\n")
        for each in (one, other, third):
            await each.rest()
            assert each.texts == [{"type": "exit", "exitCode": None, "signal": signal.SIGINT}]
        assert (one.output, other.output, third.output) == (b"first\nsecond\n",) * 2 + (b"st\nsecond\n",)

    machine.run(scenario)


def test_who_comes_late_sees_all_of_it_and_the_end(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "seq 1 50000")
        await ended(client, id_)
        one = await attached(client, id_)
        await one.rest()
        assert one.output == "".join(f"{n}\n" for n in range(1, 50001)).encode()
        assert [text["type"] for text in one.texts] == ["exit"]

    machine.run(scenario)


def test_the_exit_is_told_though_somebody_prints_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.agent.machine.process.program.TAIL_S", 0.05)

    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "yes & exit 6")
        one = await attached(client, id_)
        await one.rest()
        assert one.texts[-1] == {"type": "exit", "exitCode": 6, "signal": None}
        assert one.close is not None and one.close.code == 1000
        await client.ask("POST", f"/process/{id_}/kill", {"signal": "KILL"})

    machine.run(scenario)


def test_what_is_not_kept_is_told_and_an_attached_client_begins_with_what_is(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "printf 0123456789", max_output_bytes=4)
        await ended(client, id_)
        one, other = await attached(client, id_), await attached(client, id_, "?offset=0")
        for each in (one, other):
            await each.rest()
            assert each.output == b"6789"
        assert [text["type"] for text in one.texts] == ["exit"]
        assert other.texts[0] == {"type": "gap", "missed_bytes": 6}

    machine.run(scenario)


def test_a_terminal_is_resized_and_typed_into(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        text = "trap 'stty size' WINCH; stty -echo; echo ready; while read x; do echo $x; done"
        one = await attached(client, await spawn(client, text, allocate_tty=True))
        await one.until(lambda one: one.output == b"ready\r\n")
        await one.say({"type": "resize", "rows": 12, "cols": 34})
        await one.until(lambda one: b"12 34\r\n" in one.output)
        await one.type(b"\x04")
        await one.rest()
        assert one.texts[-1]["type"] == "exit"

    machine.run(scenario)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"no json", "invalid_request"),
        (b"[]", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"type":"other"}', "invalid_request"),
        (b'{"type":"resize","rows":0,"cols":1}', "invalid_request"),
        (b'{"type":"resize","rows":1,"cols":65536}', "invalid_request"),
        (b'{"type":"resize","rows":1,"cols":1}', "not_a_terminal"),
        (b"[" * 100_000, "invalid_request"),
    ],
)
def test_a_text_that_cannot_be_obeyed_is_answered_with_an_error(machine: Machine, text: bytes, code: str) -> None:
    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "read x; exit 0"))
        one.protocol.send_text(text)
        await one.flush()
        await one.until(lambda one: one.texts)
        assert (one.texts[0]["type"], one.texts[0]["code"]) == ("error", code)
        await one.type(b"\n")
        await one.rest()
        assert one.texts[-1]["exitCode"] == 0

    machine.run(scenario)


def test_who_leaves_does_not_end_the_process(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x")
        polite, rude = await attached(client, id_), await attached(client, id_)
        polite.protocol.send_close(1000, "bye")
        await polite.flush()
        await polite.rest()
        assert polite.close is not None and polite.close.code == 1000
        rude.connection.close()
        await client.until(lambda: all(task.done.is_set() for task in client.serving))
        assert (await status(client, id_))["state"] == "running"

    machine.run(scenario)


def test_pings_are_answered_and_pings_are_sent(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "PING_S", 0.02)

    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "read x"))
        one.protocol.send_ping(b"are you there")
        await one.flush()
        await one.until(lambda one: one.pings >= 3 and one.pongs == [b"are you there"])

    machine.run(scenario)


def test_a_client_that_never_answers_a_ping_stays(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "PING_S", 0.01)

    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "read x; exit 3"))
        while one.pings < 10:
            assert await one.read()
            one.sort()
            one.protocol.data_to_send()  # the pongs, thrown away
        await one.type(b"\n")
        await one.rest()
        assert one.texts[-1]["exitCode"] == 3

    machine.run(scenario)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (b"\x83\x80" + bytes(4), 1002),
        (b"\x81\x81" + bytes(4) + b"\xff", 1007),
        (b"\x82\xff" + (attach.MAX_MESSAGE_BYTES + 1).to_bytes(8, "big") + bytes(4), 1009),
    ],
)
def test_who_breaks_the_protocol_is_told_how(machine: Machine, data: bytes, code: int) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x")
        one = await attached(client, id_)
        await one.connection.send(data)
        await one.rest()
        assert one.close is not None and one.close.code == code
        assert (await status(client, id_))["state"] == "running"

    machine.run(scenario)


def test_input_that_the_process_does_not_read_waits_and_nothing_of_it_is_lost(machine: Machine) -> None:
    go = machine.workspace / "go"
    os.mkfifo(go)

    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "read x <go; wc -c"))
        sending = client.loop.spawn(send(one), "typing")
        await client.until(lambda: opened(go))
        one_output = client.loop.spawn(one.until(lambda one: one.output), "output")
        await sending.done.wait(time.monotonic() + PATIENCE_S)
        # Who reads has not seen the end of the input: only the process's own end closes it here.
        await client.loop.stop(one_output)
        id_ = (await client.ask("GET", "/process")).json["processes"][0]["process_id"]
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "", "eof": True})
        await one.rest()
        assert one.output.strip() == b"1500000"

    async def send(one: Attached) -> None:
        for _ in range(3):
            await one.type(bytes(500_000))

    machine.run(scenario)


def opened(fifo: Any) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_a_client_that_goes_while_its_input_waits_is_let_go(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "PING_S", 0.02)

    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "sleep 600")
        one = await attached(client, id_)
        await one.type(bytes(200_000))
        one.connection.close()
        await client.until(lambda: all(task.done.is_set() for task in client.serving))
        assert (await status(client, id_))["state"] == "running"

    machine.run(scenario)


def test_input_for_a_process_that_wants_none_is_answered_with_an_error(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        one = await attached(client, await spawn(client, "exec <&-; echo closed; sleep 600"))
        await one.until(lambda one: one.output == b"closed\n")
        await one.type(b"x")
        await one.until(lambda one: one.texts)
        assert one.texts[0]["code"] == "stdin_closed"

    machine.run(scenario)


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "h2c"},
        {"Connection": "close"},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": ""},
    ],
)
def test_what_asks_for_no_websocket_is_refused(machine: Machine, changes: dict[str, str]) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x")
        refused = await client.ask("GET", f"/process/{id_}/attach", fields=UPGRADE | changes)
        assert (refused.status, refused.code) == (400, "invalid_request")
        refused = await client.ask("GET", f"/process/{id_}/attach?offset=1", fields=UPGRADE)
        assert (refused.status, refused.json["field"]) == (400, "offset")

    machine.run(scenario)


def test_frames_that_come_with_the_request_are_not_lost(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x; echo $x")
        head = f"GET /process/{id_}/attach HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in UPGRADE.items())
        typed = Frame(Opcode.BINARY, b"early\n").serialize(mask=True)
        connection = client.connect(head.encode() + b"\r\n" + typed)
        await connection.until(b"early\n")
        assert decode_head(connection.received) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    machine.run(scenario)


def decode_head(answer: bytes) -> str:
    head = answer.partition(b"\r\n\r\n")[0] + b"\r\nContent-Length: 0\r\n\r\n"
    reply = decode(head)
    assert reply.status == 101
    return reply.fields["sec-websocket-accept"]
