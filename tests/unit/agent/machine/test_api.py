import json

import pytest

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine import api, exchange
from cloche.agent.machine.api import Loaded, Surroundings, load_parts
from cloche.agent.machine.exchange import Exchange
from cloche.testing.agent_http import Client, Reply, encode, run
from cloche.wire.http_head import MAX_HEAD_BYTES


async def tell_params(asked: Exchange) -> None:
    await asked.answer(asked.params)


async def fail(_asked: Exchange) -> None:
    raise RuntimeError("a secret of ours")


ROUTES = {
    "GET /things": tell_params,
    "GET /things/{id}": tell_params,
    "DELETE /things/{id}": tell_params,
    "POST /things/{id}/parts/{part}": tell_params,
    "GET /failing": fail,
}


def load(_surroundings: Surroundings) -> Loaded:
    return Loaded(ROUTES, None)


def once(data: bytes, *, may_log_errors: bool = False) -> Reply:
    replies: list[Reply] = []

    async def scenario(client: Client) -> None:
        connection = client.connect()
        await connection.send(data)
        connection.half_close()
        replies.append(await connection.reply())

    run(scenario, load, may_log_errors=may_log_errors)
    return replies[0]


def ask(method: str, target: str) -> Reply:
    return once(encode(method, target))


def test_health_and_metrics_are_answered_without_anything_being_loaded() -> None:
    def nothing(_surroundings: Surroundings) -> Loaded:
        raise AssertionError("it was loaded")

    async def scenario(client: Client) -> None:
        for path in ("/health", "/metrics"):
            reply = await client.ask("GET", path)
            assert (reply.status, reply.fields["content-type"]) == (200, "application/json")
            assert reply.json
        assert client.api.running == 0

    run(scenario, nothing)


def test_what_a_session_needs_is_loaded_once() -> None:
    loaded: list[Surroundings] = []

    def count(surroundings: Surroundings) -> Loaded:
        loaded.append(surroundings)
        return load(surroundings)

    async def scenario(client: Client) -> None:
        for _ in range(3):
            assert (await client.ask("GET", "/things")).status == 200
        assert len(loaded) == 1

    run(scenario, count)


def test_what_stands_in_a_path_is_given_to_its_handler() -> None:
    assert ask("GET", "/things").json == {}
    assert ask("GET", "/things/a%20b?x=1").json == {"id": "a b"}
    assert ask("POST", "/things/1/parts/2").json == {"id": "1", "part": "2"}


@pytest.mark.parametrize(
    "target", ["/", "/thing", "/things/", "/things/1/", "/things/1/parts", "//things", "/things/%2F"]
)
def test_what_is_not_there_is_not_found(target: str) -> None:
    reply = ask("GET", target)
    assert (reply.status, reply.code) == (404, "no_such_route")


def test_a_method_that_is_not_there_is_told_which_are() -> None:
    reply = ask("PUT", "/things/1")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.fields["allow"] == reply.json["allowed"] == "GET, DELETE"
    assert ask("POST", "/health").status == 405


def test_a_fault_of_ours_is_logged_and_not_shown() -> None:
    reply = once(encode("GET", "/failing"), may_log_errors=True)
    assert (reply.status, reply.json) == (500, {"code": "failed", "message": "the agent failed"})


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /things HTTP/1.0\r\n\r\n", 505),
        (b"GET /things HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /things HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET /things HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
        (b"GET /things HTTP/1.1\r\n", 400),
        (b"", 400),
        (b"x" * (MAX_HEAD_BYTES + 1), 431),
        (b"GET /things HTTP/1.1\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    reply = once(data)
    assert (reply.status, reply.code, reply.is_whole) == (status, "invalid_request", True)


def test_a_head_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_HEAD_S", 0.03)

    async def scenario(client: Client) -> None:
        connection = client.connect(b"GET /thi")
        assert await connection.receive() == b""
        assert client.heads == 0

    run(scenario, load)


def test_a_head_is_told_of_once_it_has_come() -> None:
    async def scenario(client: Client) -> None:
        connection = client.connect()
        data = encode("GET", "/things")
        await connection.send(data[:-1])
        await client.loop.sleep(0)
        assert client.heads == 0
        await connection.send(data[-1:])
        await connection.reply()
        assert client.heads == 1

    run(scenario, load)


def test_once_it_is_stopped_nothing_is_loaded_any_more() -> None:
    async def scenario(client: Client) -> None:
        await client.api.stop()
        reply = await client.ask("GET", "/things")
        assert (reply.status, reply.code) == (409, "session_ending")
        assert (await client.ask("GET", "/health")).status == 200

    run(scenario, load)


def test_a_session_without_a_machine_has_no_programs_and_files() -> None:
    loop = Loop(lambda name, error: None)
    found: dict[bool, Loaded] = {}

    async def scenario(client: Client) -> None:
        surroundings = client.api._surroundings
        for machine in (True, False):
            config = surroundings.config._replace(machine=machine)
            found[machine] = load_parts(surroundings._replace(config=config, loop=loop, log=Log("error")))

    async def nothing() -> None:
        return

    run(scenario, load)
    loop.run(nothing())
    assert found[False].processes is None
    assert found[True].processes is not None
    assert {"POST /process/exec", "GET /fs/read_file"} <= set(found[True].routes)
    assert not [route for route in found[False].routes if "/process/" in route or "/fs/" in route]
    assert {"GET /processes", "GET /logs/stream"} <= set(found[False].routes)


def test_an_answer_is_json_in_any_language() -> None:
    async def tell(asked: Exchange) -> None:
        await asked.answer({"name": "\udcff ü"})

    async def scenario(client: Client) -> None:
        reply = await client.ask("GET", "/x")
        assert json.loads(reply.body) == {"name": "\udcff ü"}

    run(scenario, lambda _surroundings: Loaded({"GET /x": tell}, None))


def test_who_is_refused_for_his_head_is_let_go_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LINGER_S", 0.03)

    async def scenario(client: Client) -> None:
        connection = client.connect(b"x" * (MAX_HEAD_BYTES + 1))
        assert (await connection.reply()).status == 431
        await client.until(lambda: client.serving[0].done.is_set())

    run(scenario, load)
