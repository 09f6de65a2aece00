import base64
import signal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.process import output
from cloche.agent.machine.process.output import _base64_length
from cloche.agent.machine.process.ring import Ring, Store, Stream
from cloche.testing.agent_http import Client, parse_events

from .conftest import Machine, ended, spawn, status

EXIT_OK = {"event": "exit", "exit_code": 0, "signal": None}


def data_of(events: list[dict[str, Any]], stream: str) -> bytes:
    return b"".join(base64.b64decode(event["data_b64"]) for event in events if event.get("stream") == stream)


def bare(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "id"}


async def read_stream(client: Client, id_: str, query: str = "", **fields: str) -> list[dict[str, Any]]:
    connection = await client.open("GET", f"/process/{id_}/stdout/stream{query}", fields=fields)
    reply = await connection.reply()
    assert (reply.status, reply.fields["content-type"], reply.is_whole) == (200, "text/event-stream", True)
    return parse_events(reply.body)


def test_both_outputs_are_seen_and_the_exit_is_the_last_event(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "printf ABC; printf DEF >&2")
        events = await read_stream(client, id_)
        assert (data_of(events, "stdout"), data_of(events, "stderr")) == (b"ABC", b"DEF")
        assert bare(events[-1]) == EXIT_OK
        assert events[-1]["id"] == "6"

    machine.run(scenario)


@pytest.mark.promise("every-reader-sees-all-output")
def test_every_reader_gets_all_bytes_early_or_late_and_an_event_holds_at_most_four_kilobytes(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "seq 1 20000; read x; seq 20001 40000; exit 5")
        both = [await client.open("GET", f"/process/{id_}/stdout/stream") for _ in range(2)]
        for connection in both:
            await connection.until(b"\n\n")
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "Cg=="})
        wanted = "".join(f"{number}\n" for number in range(1, 40001)).encode()
        for connection in both:
            events = parse_events((await connection.reply()).body)
            assert data_of(events, "stdout") == wanted
            assert bare(events[-1]) == {"event": "exit", "exit_code": 5, "signal": None}
            assert max(len(base64.b64decode(event["data_b64"])) for event in events[:-1]) == 4096
        assert data_of(await read_stream(client, id_), "stdout") == wanted

    machine.run(scenario)


def test_a_reader_goes_on_after_the_last_event_it_had(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "printf 0123456789; kill -KILL $$")
        await ended(client, id_)
        events = await read_stream(client, id_, "?offset=4")
        assert data_of(events, "stdout") == b"456789"
        events = await read_stream(client, id_, "?offset=4", **{"Last-Event-ID": "7"})
        assert [bare(event) for event in events] == [
            {"stream": "stdout", "data_b64": base64.b64encode(b"789").decode()},
            {"event": "exit", "exit_code": None, "signal": signal.SIGKILL},
        ]
        assert [event["id"] for event in events] == ["10", "10"]
        assert [event["event"] for event in await read_stream(client, id_, "?offset=10")] == ["exit"]

    machine.run(scenario)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("?offset=11", {}),
        ("?offset=-1", {}),
        ("?offset=x", {}),
        ("?offset=99999999999999999999", {}),
        ("?follow=1", {}),
        ("", {"Last-Event-ID": "11"}),
        ("", {"Last-Event-ID": "x"}),
        ("", {"Last-Event-ID": "9" * 30}),
    ],
)
def test_an_offset_that_is_none_is_refused(machine: Machine, query: str, fields: dict[str, str]) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "printf 0123456789")
        await ended(client, id_)
        refused = await client.ask("GET", f"/process/{id_}/stdout/stream{query}", fields=fields)
        assert (refused.status, refused.code) == (400, "invalid_request")

    machine.run(scenario)


def test_what_is_not_kept_any_more_is_told_as_a_gap(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "printf 0123456789", max_output_bytes=4)
        found = await ended(client, id_)
        events = await read_stream(client, id_, "?offset=1")
        assert bare(events[0]) == {"event": "gap", "missed_bytes": 5}
        assert events[0]["id"] == "6"
        assert data_of(events, "stdout") == b"6789"
        found = await status(client, id_)
        assert (found["output_bytes"], found["output_kept_from"]) == (10, 6)

    machine.run(scenario)


def test_without_following_what_is_there_is_sent_and_no_exit_that_has_not_been(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "echo begun; read x")
        while not (await status(client, id_))["output_bytes"]:
            await client.loop.sleep(0.005)
        events = await read_stream(client, id_, "?follow=false")
        assert [event.get("stream") for event in events] == ["stdout"]
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "Cg=="})
        await ended(client, id_)
        assert bare((await read_stream(client, id_, "?follow=false"))[-1])["event"] == "exit"

    machine.run(scenario)


def test_with_nobody_reading_a_program_prints_to_its_end(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        found = await ended(client, await spawn(client, "head -c 3000000 /dev/zero; exit 4"))
        assert found["exit_code"] == 4

    machine.run(scenario)


@pytest.mark.promise("every-reader-sees-all-output")
def test_a_reader_that_stops_reading_holds_up_neither_the_program_nor_another_reader(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x; head -c 3000000 /dev/zero; exit 4")
        stuck = await client.open("GET", f"/process/{id_}/stdout/stream")
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "Cg=="})
        events = await read_stream(client, id_)
        assert events[-1]["exit_code"] == 4
        missed = sum(event.get("missed_bytes", 0) for event in events)
        assert len(data_of(events, "stdout")) + missed == 3_000_000
        stuck.close()

    machine.run(scenario)


def test_the_exit_is_told_though_somebody_prints_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.agent.machine.process.program.TAIL_S", 0.05)

    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "yes & echo $!; exit 6")
        for _ in range(2):
            events = await read_stream(client, id_)
            assert bare(events[-1]) == {"event": "exit", "exit_code": 6, "signal": None}
        # It is still being read: nothing has blocked it.
        before = (await status(client, id_))["output_bytes"]
        while (await status(client, id_))["output_bytes"] < before + 1_000_000:
            await client.loop.sleep(0.005)
        await client.ask("POST", f"/process/{id_}/kill", {"signal": "KILL"})

    machine.run(scenario)


def test_a_silent_stream_says_that_it_is_there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "BEAT_S", 0.02)

    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "read x")
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        await connection.until(b": still here\n\n")
        connection.close()

    machine.run(scenario)


def test_an_answer_of_many_changes_between_the_outputs_gives_others_their_turns(machine: Machine) -> None:
    found: list[tuple[list[bytearray], list[bool]]] = []
    turns: list[int] = []

    async def scenario(client: Client) -> None:
        ring = Ring(1 << 20, Store(1 << 24))
        for nth in range(20_000):
            ring.add(Stream(nth & 1), b"oe"[nth & 1 : (nth & 1) + 1])
        exchange: Any = SimpleNamespace(loop=client.loop)

        async def copy() -> None:
            found.append(await output._copied(exchange, ring))

        task = client.loop.spawn(copy(), "copy")
        while not task.done.is_set():
            turns.append(1)
            await client.loop.sleep(0)

    machine.run(scenario)
    assert found == [([bytearray(b"o" * 10_000), bytearray(b"e" * 10_000)], [False, False])]
    assert len(turns) > 20


def test_what_others_drive_out_while_an_answer_is_put_together_is_told_as_missing(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        ring = Ring(100_000, Store(1 << 24))
        for nth in range(4000):
            ring.add(Stream(nth & 1), b"0123456789")
        found: list[tuple[list[bytearray], list[bool]]] = []
        exchange: Any = SimpleNamespace(loop=client.loop)

        async def copy() -> None:
            found.append(await output._copied(exchange, ring))

        task = client.loop.spawn(copy(), "copy")
        await client.loop.sleep(0)
        ring.add(Stream.STDOUT, bytes(100_000))
        await task.done.wait()
        ((texts, is_cut),) = found
        assert is_cut == [True, True]
        assert 0 < len(texts[Stream.STDERR]) < 20_000

    machine.run(scenario)


@given(st.binary(max_size=200_000))
def test_an_output_in_pieces_of_base64_is_as_long_as_it_was_announced(data: bytes) -> None:
    assert _base64_length(memoryview(data)) == len(base64.b64encode(data))
