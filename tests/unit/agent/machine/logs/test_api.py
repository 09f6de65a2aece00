"""Requests on a real socket, on the agent's own loop; only what reads them, the host, is played here."""

import json
import os
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from cloche.agent import streams
from cloche.agent.journal import Journal
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.api import Surroundings
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.logs import api as module
from cloche.agent.machine.logs.api import MAX_STREAMS, LogApi
from cloche.agent.machine.problem import Problem, problem_of
from cloche.agent.metrics import Metrics
from cloche.agent.population import Population
from cloche.wire.agent_config import AgentConfig, BrowserConfig
from cloche.wire.http_head import parse_head

PATIENCE_S = 5.0

Event = dict[str, Any]


class Answer:
    """What came back: at once with a length, or as events one after another."""

    def __init__(self, rig: "Rig", connection: socket.socket) -> None:
        self._rig, self._connection = rig, connection
        self._received = bytearray()
        self._body = bytearray()
        self.status = 0
        self.fields: dict[str, str] = {}
        self.last_id = ""

    async def head(self) -> "Answer":
        lines = (await self._until(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return self

    async def problem(self) -> tuple[int, str]:
        while len(self._received) < int(self.fields["content-length"]):
            await self._receive()
        return self.status, json.loads(self._received)["code"]

    async def block(self) -> str | None:
        """The next event or comment as it stands, None at the clean end of the answer."""
        assert (self.status, self.fields["content-type"]) == (200, "text/event-stream")
        while (end := self._body.find(b"\n\n")) < 0:
            size = int(await self._until(b"\r\n"), 16)
            if not size:
                assert not self._body, "it ended within an event"
                return None
            while len(self._received) < size + 2:
                await self._receive()
            self._body += self._received[:size]
            del self._received[: size + 2]
        text = self._body[:end].decode("ascii")
        del self._body[: end + 2]
        return text

    async def event(self) -> Event | None:
        """The next event that has data; ids are noted as any reader of such a stream does."""
        while (block := await self.block()) is not None:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                return cast(Event, json.loads(fields["data"]))
        return None

    async def messages(self, count: int = 1 << 30) -> list[str]:
        """So many messages, or all to the end; a gap stands among them as what it says."""
        found: list[str] = []
        while len(found) < count and (event := await self.event()) is not None:
            found.append(str(event.get("message", event)))
        return found

    def close(self) -> None:
        self._connection.close()

    async def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            await self._receive()
        found, _, rest = bytes(self._received).partition(end)
        self._received[:] = rest
        return found

    async def _receive(self) -> None:
        data = await streams.receive(self._rig.loop, self._connection, 1 << 16, time.monotonic() + PATIENCE_S)
        assert data, "the connection ended"
        self._received += data


class Rig:
    def __init__(self, workspace: Path, *, machine: bool = True) -> None:
        self.failures: list[tuple[str, str]] = []
        self.loop = Loop(lambda name, error: self.failures.append((name, repr(error))))
        self.journal = Journal(self.loop)
        population = Population(owns_namespace=False)
        metrics = cast(Metrics, None)  # nobody asks for them here
        config = AgentConfig(
            "ses_1",
            "token",
            workspace=str(workspace),
            machine=machine,
            browser=BrowserConfig(user_data_dir=str(workspace / "profile")),
        )
        self.api = LogApi(Surroundings(self.loop, Log("error"), config, metrics, population, None, self.journal))
        self.serving = 0

    def run(self, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            await scenario()
            deadline = time.monotonic() + PATIENCE_S
            while self.serving:
                assert time.monotonic() < deadline, "a handler goes on without its client"
                await self.loop.sleep(0.005)

        self.loop.run(whole())
        assert not self.failures

    async def ask(self, last_event_id: str = "", **query: object) -> Answer:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        fields = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        head = f"GET /logs/stream?{urlencode(query)} HTTP/1.1\r\n{fields}\r\n"
        self.serving += 1
        self.loop.spawn(self._serve(theirs, head.encode()), "serve")
        return await Answer(self, ours).head()

    async def _serve(self, connection: socket.socket, request: bytes) -> None:
        head = parse_head(request)
        assert head is not None
        exchange = Exchange(self.loop, connection, head, b"")
        try:
            await exchange.run(self.api.routes()["GET /logs/stream"])
        except Problem as problem:
            await exchange.answer({"code": problem.code}, problem.status)
        except OSError as error:
            if not exchange.has_begun:
                await exchange.answer({"code": problem_of(error).code}, problem_of(error).status)
        finally:
            connection.close()
            self.serving -= 1


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_file_that_is_not_followed_is_sent_whole_and_ends(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("one\n\ntwo\r\nfünf \xff\n".encode("latin-1") + b"unfinished")

    async def scenario() -> None:
        answer = await rig.ask(source="path", path="log", follow="false")
        events = [await answer.event() for _ in range(5)]
        assert await answer.event() is None
        assert [event["message"] for event in events if event] == ["one", "", "two", "f\ufffdnf \ufffd", "unfinished"]
        assert [set(event) for event in events[:4] if event] == [{"timestamp", "message"}] * 4
        assert events[4] is not None and events[4]["partial"] is True
        assert events[0] is not None and events[0]["timestamp"].endswith("Z")
        answer.close()

    rig.run(scenario)


def test_following_begins_at_the_end_and_tells_what_is_appended(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"old\n")

    async def scenario() -> None:
        answer = await rig.ask(source="path", path="/workspace/log")
        with (tmp_path / "log").open("ab") as file:
            file.write(b"new\n")
        assert await answer.messages(1) == ["new"]
        (tmp_path / "log").rename(tmp_path / "log.1")
        (tmp_path / "log").write_bytes(b"after rotation\n")
        assert await answer.messages(1) == ["after rotation"]
        answer.close()

    rig.run(scenario)


def test_ten_thousand_lines_that_are_written_while_it_follows_all_arrive_in_order(rig: Rig, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()

    async def write() -> None:
        with log.open("ab", buffering=0) as file:
            for begin in range(0, 10_000, 100):
                file.write(b"".join(b"line %d\n" % number for number in range(begin, begin + 100)))
                await rig.loop.sleep(0)

    async def scenario() -> None:
        answer = await rig.ask(source="path", path="log")
        rig.loop.spawn(write(), "writer")
        assert await answer.messages(10_000) == [f"line {number}" for number in range(10_000)]
        answer.close()

    rig.run(scenario)


@pytest.mark.parametrize("follow", ["true", "false"])
def test_the_tail_comes_first(rig: Rig, tmp_path: Path, follow: str) -> None:
    (tmp_path / "log").write_bytes(b"a\nb\nc\n")

    async def scenario() -> None:
        answer = await rig.ask(source="path", path="log", follow=follow, tail=2)
        assert await answer.messages(2) == ["b", "c"]
        answer.close()

    rig.run(scenario)


def test_a_reader_goes_on_where_it_was_and_its_header_is_newer_than_its_address(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a\nb\nc\n")

    async def scenario() -> None:
        first = await rig.ask(source="path", path="log", follow="false")
        await first.event()
        after_a = first.last_id
        await first.event()
        after_b = first.last_id
        first.close()
        for answer, messages in (
            (await rig.ask(source="path", path="log", follow="false", after=after_a), ["b", "c"]),
            (await rig.ask(after_b, source="path", path="log", follow="false", after=after_a, tail=3), ["c"]),
        ):
            assert await answer.messages() == messages
            answer.close()
        os.replace(tmp_path / "log", tmp_path / "elsewhere")
        (tmp_path / "log").write_bytes(b"d\n")
        answer = await rig.ask(after_b, source="path", path="log", follow="false")
        assert await answer.event() == {"event": "gap", "reason": "replaced"}
        assert await answer.messages() == ["d"]
        answer.close()

    rig.run(scenario)


@pytest.mark.parametrize("query", [{"source": "agent"}, {"source": "path", "path": "log"}])
def test_a_reader_that_left_before_the_first_line_misses_none(rig: Rig, tmp_path: Path, query: dict[str, str]) -> None:
    (tmp_path / "log").write_bytes(b"old\n")
    rig.journal.add("agent", "old")

    async def scenario() -> None:
        answer = await rig.ask(**query)
        block = await answer.block()
        assert block is not None
        answer.close()
        rig.journal.add("agent", "meanwhile")
        with (tmp_path / "log").open("ab") as file:
            file.write(b"meanwhile\n")
        again = await rig.ask(block.removeprefix("id: "), **query)
        assert await again.messages(1) == ["meanwhile"]
        again.close()

    rig.run(scenario)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({}, (400, "invalid_request")),
        ({"source": "kernel"}, (400, "invalid_request")),
        ({"source": "path"}, (400, "invalid_request")),
        ({"source": "path", "path": ""}, (400, "invalid_request")),
        ({"source": "agent", "path": "log"}, (400, "invalid_request")),
        ({"source": "path", "path": "log", "follow": "maybe"}, (400, "invalid_request")),
        ({"source": "path", "path": "log", "tail": "-1"}, (400, "invalid_request")),
        ({"source": "path", "path": "log", "tail": "100001"}, (400, "invalid_request")),
        ({"source": "agent", "tail": "x"}, (400, "invalid_request")),
        ({"source": "path", "path": "log", "after": "7"}, (400, "invalid_request")),
        ({"source": "agent", "after": "1-2-3-4"}, (400, "invalid_request")),
        ({"source": "agent", "after": "9" * 19}, (400, "invalid_request")),
        ({"source": "path", "path": "missing"}, (404, "not_found")),
        ({"source": "path", "path": "log/below"}, (400, "not_a_directory")),
        ({"source": "path", "path": "."}, (400, "not_a_file")),
        ({"source": "path", "path": "fifo"}, (400, "not_a_file")),
        ({"source": "path", "path": "/etc/passwd"}, (400, "not_in_session")),
        ({"source": "path", "path": "../log"}, (400, "leaves_root")),
        ({"source": "path", "path": "link"}, (400, "leaves_root")),
    ],
)
def test_what_cannot_be_streamed_has_a_status_of_its_own(
    rig: Rig, tmp_path: Path, query: dict[str, str], problem: tuple[int, str]
) -> None:
    (tmp_path / "log").touch()
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")

    async def scenario() -> None:
        answer = await rig.ask(**query)
        assert await answer.problem() == problem
        answer.close()

    rig.run(scenario)


def test_a_session_that_is_no_machine_has_no_files_but_its_own_story(tmp_path: Path) -> None:
    rig = Rig(tmp_path, machine=False)
    (tmp_path / "log").touch()
    rig.journal.add("supervisor", "browser started")

    async def scenario() -> None:
        refused = await rig.ask(source="path", path="log")
        assert await refused.problem() == (403, "machine_off")
        told = await rig.ask(source="supervisor", follow="false")
        assert await told.messages() == ["browser started"]
        refused.close()
        told.close()

    rig.run(scenario)


def test_the_journal_is_followed_resumed_and_told_with_the_time_it_was_said(rig: Rig) -> None:
    async def scenario() -> None:
        rig.journal.add("browser", "a")
        answer = await rig.ask(source="browser", tail=5)
        assert await answer.messages(1) == ["a"]
        rig.journal.add("browser", "b")
        rig.journal.add("agent", "elsewhere")
        rig.journal.add("browser", "c")
        assert await answer.messages(2) == ["b", "c"]
        assert answer.last_id == "3"
        answer.close()
        at_the_end = await rig.ask(source="browser")
        rig.journal.add("browser", "d")
        assert await at_the_end.messages(1) == ["d"]
        at_the_end.close()
        resumed = await rig.ask("2", source="browser", follow="false")
        assert await resumed.messages() == ["c", "d"]
        resumed.close()

    rig.run(scenario)


def test_lines_that_the_journal_has_dropped_are_counted(rig: Rig) -> None:
    async def scenario() -> None:
        for number in range(1, 5001):
            rig.journal.add("agent", f"line {number}")
        answer = await rig.ask("10", source="agent", follow="false")
        gap = await answer.event()
        assert gap is not None and gap["event"] == "gap"
        messages = await answer.messages()
        assert messages[-1] == "line 5000"
        assert messages[0] == f"line {11 + gap['missed_lines']}"
        assert len(messages) == 5000 - 10 - gap["missed_lines"]
        answer.close()

    rig.run(scenario)


def test_an_id_that_the_journal_has_not_reached_is_a_gap(rig: Rig) -> None:
    async def scenario() -> None:
        rig.journal.add("agent", "first")
        answer = await rig.ask("99", source="agent", follow="false")
        assert await answer.event() == {"event": "gap", "reason": "replaced"}
        assert await answer.messages() == ["first"]
        answer.close()

    rig.run(scenario)


@pytest.mark.parametrize("query", [{"source": "agent"}, {"source": "path", "path": "log"}])
def test_silence_is_broken_now_and_then(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.01)
    (tmp_path / "log").touch()

    async def scenario() -> None:
        answer = await rig.ask(**query)
        blocks = [await answer.block() for _ in range(3)]
        assert [block is not None and block[0] for block in blocks] == ["i", ":", ":"]
        answer.close()

    rig.run(scenario)


def test_there_are_only_so_many_streams_and_a_reader_that_goes_makes_room(rig: Rig) -> None:
    async def scenario() -> None:
        answers = [await rig.ask(source="agent") for _ in range(MAX_STREAMS)]
        refused = await rig.ask(source="agent")
        assert (refused.status, await refused.problem()) == (429, (429, "busy"))
        refused.close()
        answers.pop().close()
        deadline = time.monotonic() + PATIENCE_S
        while (answer := await rig.ask(source="agent")).status == 429:
            assert time.monotonic() < deadline
            answer.close()
        for open_answer in [*answers, answer]:
            open_answer.close()

    rig.run(scenario)


def test_a_reader_that_takes_nothing_holds_up_nobody_else(rig: Rig, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        file.write(b"".join(b"%d\n" % number for number in range(30_000)))

    async def scenario() -> None:
        slow = await rig.ask(source="path", path="log", follow="false")
        quick = await rig.ask(source="path", path="log", follow="false")
        assert len(await quick.messages()) == 30_000
        assert len(await slow.messages()) == 30_000
        slow.close()
        quick.close()

    rig.run(scenario)


def test_a_line_longer_than_a_piece_comes_in_parts(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 150_000 + b"\nend\n")

    async def scenario() -> None:
        answer = await rig.ask(source="path", path="log", follow="false")
        events = [event for _ in range(4) if (event := await answer.event()) is not None]
        assert [event.get("partial", False) for event in events] == [True, True, False, False]
        assert "".join(event["message"] for event in events) == "x" * 150_000 + "end"
        answer.close()

    rig.run(scenario)
