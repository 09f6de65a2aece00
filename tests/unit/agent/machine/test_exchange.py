import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.loop import Cancelled
from cloche.agent.machine import exchange as exchanges
from cloche.agent.machine.api import Loaded
from cloche.agent.machine.exchange import PIECE_BYTES, Exchange, encode_event
from cloche.agent.machine.problem import Problem
from cloche.testing.agent_http import Client, Reply, encode, parse_events, run
from cloche.wire.machine import MAX_JSON_BYTES

Handler = Callable[[Exchange], Awaitable[None]]
CHUNKED = {"Transfer-Encoding": "chunked"}


def serve(handler: Handler, scenario: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    """A machine API whose one route, `/x`, is this handler's."""
    run(
        scenario, lambda _surroundings: Loaded({f"{method} /x": handler for method in ("GET", "POST")}, None), **options
    )


def once(handler: Handler, data: bytes, **options: Any) -> Reply:
    """The answer to a request; nothing comes after it."""
    replies: list[Reply] = []

    async def scenario(client: Client) -> None:
        connection = client.connect()
        await connection.send(data)
        connection.half_close()
        replies.append(await connection.reply())

    serve(handler, scenario, **options)
    return replies[0]


async def echo(exchange: Exchange) -> None:
    """Answer with the body."""
    pieces = []
    while piece := await exchange.read():
        assert len(piece) <= PIECE_BYTES
        pieces.append(piece)
    assert await exchange.read() == b""
    body = b"".join(pieces)
    await exchange.begin("application/octet-stream", length=len(body))
    await exchange.write(body)


async def tell_fields(exchange: Exchange) -> None:
    fields = await exchange.fields()
    await exchange.answer({"name": fields.text("name", "nobody")})


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def post(body: bytes, fields: dict[str, str] | None = None) -> bytes:
    return encode("POST", "/x", None, fields) + body


# --- the request ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 1000, PIECE_BYTES, 3 * PIECE_BYTES + 1])
def test_a_body_of_a_known_length_is_read_to_its_end_and_no_further(length: int) -> None:
    body = os.urandom(length)
    reply = once(echo, encode("POST", "/x", body) + b"more")
    assert (reply.status, reply.body, reply.is_whole) == (200, body, True)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 200))
def test_a_chunked_body_is_put_together_however_it_comes(pieces: list[bytes], step: int) -> None:
    data = post(chunks(*pieces, end=b"0;last\r\nTrailer: x\r\n\r\n"), CHUNKED)

    async def scenario(client: Client) -> None:
        connection = client.connect(data[:step])
        for at in range(step, len(data), step):
            await connection.send(data[at : at + step])
            await client.loop.sleep(0)
        reply = await connection.reply()
        assert (reply.status, reply.body) == (200, b"".join(pieces))

    serve(echo, scenario)


def test_a_chunk_may_be_larger_than_a_piece() -> None:
    body = os.urandom(3 * PIECE_BYTES + 1)
    assert once(echo, post(chunks(body, b"x"), CHUNKED)).body == body + b"x"


BAD_BODIES = {
    "no chunk": b"x\r\n",
    "a chunk that is longer than it says": b"1\r\nab\r\n0\r\n\r\n",
    "a line that does not end": b"1" * 1000,
    "a line that ends late": b"1;" + b"x" * 1000 + b"\r\n",
    "too many trailers": b"0\r\n" + b"a: b\r\n" * 33 + b"\r\n",
    "a size without an end": b"fffffffff\r\n",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_broken_framing_is_refused(body: bytes) -> None:
    reply = once(echo, post(body, CHUNKED))
    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "data",
    [
        encode("POST", "/x", None, {"Content-Length": "9"}) + b"half",
        post(b"4\r\nha", CHUNKED),
        post(chunks(b"half", end=b""), CHUNKED),
    ],
)
def test_a_body_that_is_broken_off_is_told_as_such(data: bytes) -> None:
    reply = once(echo, data)
    assert (reply.status, reply.code) == (400, "broken_off")


def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "BODY_S", 0.05)
    monkeypatch.setattr(exchanges, "LINGER_S", 0.05)

    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", None, {"Content-Length": "9"})
        reply = await connection.reply()
        assert (reply.status, reply.code) == (408, "too_slow")

    serve(echo, scenario)


def test_json_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "BODY_S", 0.05)

    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", None, {"Content-Length": "1000000"})
        dripping = client.loop.spawn(drip(client, connection), "dripping")
        reply = await connection.reply()
        assert (reply.status, reply.code) == (408, "too_slow")
        connection.close()
        await client.loop.stop(dripping)

    async def drip(client: Client, connection: Any) -> None:
        try:
            while True:
                await connection.send(b" ")
                await client.loop.sleep(0.01)
        except OSError:
            return

    monkeypatch.setattr(exchanges, "LINGER_S", 0.05)
    serve(tell_fields, scenario)


def test_the_fields_of_a_body_are_json() -> None:
    assert once(tell_fields, encode("POST", "/x", b'{"name":"\xc3\xbc"}')).json == {"name": "ü"}
    assert once(tell_fields, encode("POST", "/x", b"")).json == {"name": "nobody"}
    assert once(tell_fields, post(chunks(b'{"na', b'me":"n"}'), CHUNKED)).json == {"name": "n"}


@pytest.mark.parametrize("body", [b"x", b"[]", b"1", b"null", b"\xff", b"{" * 100, b"[" * 100_000, b'{"name":1}'])
def test_what_is_no_object_of_json_is_refused(body: bytes) -> None:
    reply = once(tell_fields, encode("POST", "/x", body))
    assert (reply.status, reply.code) == (400, "invalid_request")


def test_json_that_is_too_large_is_refused_before_all_of_it_has_come() -> None:
    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", None, {"Content-Length": str(1 << 40)})
        await connection.send(b" " * (MAX_JSON_BYTES + 1))
        connection.half_close()
        reply = await connection.reply()
        assert (reply.status, reply.code) == (413, "too_large")

    serve(tell_fields, scenario)


async def tell_query(exchange: Exchange) -> None:
    await exchange.answer(
        [
            exchange.query("text", "none"),
            exchange.query_number("number", 7, high=100),
            exchange.query_flag("flag"),
            exchange.query_flag("other", True),
        ]
    )


def test_the_fields_of_a_query_have_types_and_defaults() -> None:
    assert once(tell_query, encode("GET", "/x")).json == ["none", 7, False, True]
    query = "text=%C3%BC&number=100&flag=true&other=false"
    assert once(tell_query, encode("GET", f"/x?{query}")).json == ["ü", 100, True, False]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("text=%ff", "text"),
        ("number=101", "number"),
        ("number=-1", "number"),
        ("number=1e1", "number"),
        ("number=%C2%B2", "number"),
        ("number=" + "9" * 5000, "number"),
        ("flag=1", "flag"),
        ("flag=", "flag"),
    ],
)
def test_a_query_field_of_a_wrong_type_is_refused(query: str, field: str) -> None:
    reply = once(tell_query, encode("GET", f"/x?{query}"))
    assert (reply.status, reply.json["field"]) == (400, field)


# --- the answer -------------------------------------------------------------------------------------------------------


def test_an_answer_without_a_length_is_chunked_and_ends_with_the_last_chunk() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain", status=201, fields={"Cloche-Size": "3"})
        for data in (b"a", b"", bytearray(b"b" * 100_000), memoryview(b"c")):
            await exchange.write(data)
        await exchange.finish()

    reply = once(handler, encode("GET", "/x"))
    assert (reply.status, reply.body, reply.is_whole) == (201, b"a" + b"b" * 100_000 + b"c", True)
    assert reply.fields == {
        "content-type": "text/plain",
        "transfer-encoding": "chunked",
        "cloche-size": "3",
        "connection": "close",
    }


def test_an_answer_of_nothing_has_no_body() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.answer_nothing()

    reply = once(handler, encode("GET", "/x"))
    assert (reply.status, reply.body) == (204, b"")
    assert "content-type" not in reply.fields


@pytest.mark.parametrize("error", [Problem(409, "late", "too late"), OSError("disk"), ValueError("bug")])
def test_an_answer_that_breaks_off_is_seen_as_incomplete(error: Exception) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain")
        await exchange.write(b"half")
        raise error

    reply = once(handler, encode("GET", "/x"), may_log_errors=isinstance(error, ValueError))
    assert (reply.status, reply.body, reply.is_whole) == (200, b"half", False)


def test_a_short_answer_is_seen_as_incomplete() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain", length=5)
        await exchange.write(b"half")
        raise OSError("disk")

    assert not once(handler, encode("GET", "/x")).is_whole


def test_a_field_with_a_line_end_is_never_sent() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain", fields={"Name": "a\r\nSet: b"})

    reply = once(handler, encode("GET", "/x"), may_log_errors=True)
    assert (reply.status, reply.code) == (500, "failed")
    assert "set" not in reply.fields


def test_a_reader_that_is_slow_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "WRITE_S", 0.2)

    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain", length=2_000_000)
        await exchange.write(bytes(2_000_000))

    async def scenario(client: Client) -> None:
        connection = await client.open("GET", "/x")
        while await connection.receive():
            await client.loop.sleep(0.05)  # all of it takes longer than one piece of it may
        assert connection.received.endswith(b"\0" * 2_000_000)

    serve(handler, scenario)


def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "WRITE_S", 0.05)
    ends: list[BaseException] = []

    async def handler(exchange: Exchange) -> None:
        await exchange.begin("text/plain")
        try:
            while True:
                await exchange.write(bytes(100_000))
        except TimeoutError as error:
            ends.append(error)
            raise

    async def scenario(client: Client) -> None:
        await client.open("GET", "/x")
        await client.until(lambda: ends and client.serving[0].done.is_set())

    serve(handler, scenario)


def test_events_are_json_on_one_line_with_an_id() -> None:
    assert encode_event({"a": "x\ny"}, "7") == b'id: 7\ndata: {"a":"x\\ny"}\n\n'
    assert encode_event({}) == b"data: {}\n\n"


@given(st.dictionaries(st.text(max_size=9), st.text(st.characters(), max_size=20), max_size=5))
def test_an_event_is_one_block_whatever_is_in_it(value: dict[str, str]) -> None:
    data = encode_event(value, "1")
    assert data.count(b"\n") == 3
    assert parse_events(data) == [value | {"id": "1"}]


# --- clients that leave -----------------------------------------------------------------------------------------------


async def wait_for_ever(exchange: Exchange, ends: list[str]) -> None:
    await exchange.begin_events()
    await exchange.send_event({"begun": True})
    try:
        while True:
            await exchange.loop.sleep(3600)
    except Cancelled:
        ends.append("cancelled")
        raise
    finally:
        ends.append("cleaned up")


@pytest.mark.parametrize("leaves", [socket.socket.close, lambda sock: sock.send(b"more"), None])
def test_the_handler_of_a_stream_is_cancelled_when_its_client_leaves(leaves: Any) -> None:
    ends: list[str] = []

    async def handler(exchange: Exchange) -> None:
        await wait_for_ever(exchange, ends)

    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", b'{"read": "before"}')
        await connection.until(b"begun")
        if leaves is None:
            await client.loop.stop(client.serving[0])  # it is the agent that ends
        else:
            leaves(connection.sock)
            await client.until(lambda: client.serving[0].done.is_set())
        assert ends == ["cancelled", "cleaned up"]

    serve(handler, scenario)


def test_a_thousand_streams_opened_and_dropped_leave_nothing() -> None:
    ends: list[str] = []

    async def handler(exchange: Exchange) -> None:
        await wait_for_ever(exchange, ends)

    async def scenario(client: Client) -> None:
        before = client.loop.task_count, len(os.listdir("/proc/self/fd"))
        for turn in range(40):
            connections = [await client.open("GET", "/x") for _ in range(25)]
            for connection in connections[turn % 2 :]:  # some before they were answered, some after
                if turn % 3:
                    await connection.until(b"begun")
            for connection in connections:
                connection.close()
        await client.until(lambda: (client.loop.task_count, len(os.listdir("/proc/self/fd"))) == before)
        assert ends.count("cancelled") == ends.count("cleaned up")

    serve(handler, scenario)


def test_a_client_may_hang_up_anywhere_in_a_request() -> None:
    data = encode("POST", "/x", json.dumps({"name": "n"}).encode())

    async def scenario(client: Client) -> None:
        for cut in range(len(data) + 1):
            connection = client.connect()
            await connection.send(data[:cut])
            connection.close()
        await client.until(lambda: all(task.done.is_set() for task in client.serving))

    serve(tell_fields, scenario)


# --- refusals while the body is coming --------------------------------------------------------------------------------


async def refuse(_exchange: Exchange) -> None:
    raise Problem(507, "storage_full", "no room")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_refusal_reaches_whoever_is_still_sending(is_chunked: bool) -> None:
    body = bytes(3_000_000)

    async def scenario(client: Client) -> None:
        connection = client.connect()
        head = encode("POST", "/x", None, CHUNKED if is_chunked else {"Content-Length": str(len(body))})
        await connection.send(head)
        # All is sent before anything is read: it must not break on the way.
        await connection.send(chunks(body) if is_chunked else body)
        connection.half_close()
        reply = await connection.reply()
        assert (reply.status, reply.code, reply.is_whole) == (507, "storage_full", True)

    serve(refuse, scenario)


def test_who_never_stops_sending_is_not_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "LINGER_S", 0.05)

    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", None, {"Content-Length": str(1 << 40)})
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                await connection.send(bytes(100_000))

    serve(refuse, scenario)


def test_who_has_sent_everything_is_not_waited_for() -> None:
    async def scenario(client: Client) -> None:
        connection = await client.open("POST", "/x", b"{}")
        await connection.reply()
        await client.until(lambda: client.serving[0].done.is_set())

    serve(tell_fields, scenario)
