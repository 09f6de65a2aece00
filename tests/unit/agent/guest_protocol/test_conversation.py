"""One connection of the guest protocol: requests and answers, peers that misbehave, and who has to make room."""

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.guest_protocol.places import MADE_ROOM, MAX_LEAVING, MAX_PEERS
from cloche.wire.frames import MAX_FRAME_BYTES, encode_frame

PING, PONG = encode_frame(b'"Ping"'), encode_frame(b'"Pong"')
SLEEP = b'{"SleepPrep":{"drain_timeout_secs":1}}'


def message(body: bytes | None) -> str:
    assert body is not None
    ((tag, fields),) = json.loads(body).items()
    assert tag == "Error"
    assert list(fields) == ["message"]
    return fields["message"]


def test_one_request_on_a_connection_is_answered_and_so_are_many(rig) -> None:
    async def main() -> None:
        client = rig.connect()
        for _ in range(3):
            assert await client.ask(b'"Ping"') == b'"Pong"'
        client.sock.shutdown(socket.SHUT_WR)
        await client.ended()

    rig.run(main)


def test_a_peer_that_has_ended_its_sending_still_gets_its_answers(rig) -> None:
    async def main() -> None:
        client = rig.connect()
        await client.send(PING * 3)
        client.sock.shutdown(socket.SHUT_WR)
        assert [await client.read() for _ in range(4)] == [b'"Pong"'] * 3 + [None]

    rig.run(main)


def test_what_was_read_of_a_connection_already_counts(rig) -> None:
    async def main() -> None:
        client = rig.connect(received=PING + PING[:5])
        assert await client.read() == b'"Pong"'
        await client.send(PING[5:])
        assert await client.read() == b'"Pong"'

    rig.run(main)


def test_a_request_that_comes_byte_by_byte_is_answered(rig) -> None:
    async def main() -> None:
        client = rig.connect()
        for i in range(len(PING)):
            await client.send(PING[i : i + 1])
            await rig.loop.sleep(0)
        assert await client.read() == b'"Pong"'

    rig.run(main)


@pytest.mark.parametrize("body", [b"", b"{", b'"Reboot"', b'"SleepPrep"', b'{"Exec":{}}', b"\xff" * 100, b"[" * 90_000])
def test_a_request_that_will_not_do_gets_an_error_and_the_next_one_its_answer(rig, body: bytes) -> None:
    async def main() -> None:
        client = rig.connect()
        assert message(await client.ask(body))
        assert await client.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


def test_a_failure_inside_a_verb_is_an_internal_error_and_logged_without_its_text(rig) -> None:
    rig.stand_ins.fails = ValueError("secret")

    async def main() -> None:
        client = rig.connect()
        for request in (b'"WorkerStatus"', b'"Wake"', SLEEP):
            assert message(await client.ask(request)) == "internal error"
        assert await client.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)
    assert "ValueError" in rig.logged()
    assert "secret" not in rig.logged()


def test_an_answer_that_json_cannot_hold_is_an_internal_error(rig) -> None:
    rig.stand_ins.probes = [{"name": "load", "healthy": True, "detail": "ok", "output": float("nan")}]

    async def main() -> None:
        client = rig.connect()
        assert message(await client.ask(b'"ProbeStatus"')) == "internal error"
        assert await client.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


def test_a_frame_that_is_too_large_is_told_and_is_the_end_even_for_a_peer_that_sends_it_whole(rig) -> None:
    async def main() -> None:
        client = rig.connect()
        await client.send(PING + (MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
        await client.send(b"x" * (MAX_FRAME_BYTES + 1))
        assert await client.read() == b'"Pong"'
        assert str(MAX_FRAME_BYTES) in message(await client.read())
        await client.ended()

    rig.run(main)


def test_the_largest_frame_is_read(rig) -> None:
    async def main() -> None:
        assert await rig.connect().ask(b'"Ping"'.ljust(MAX_FRAME_BYTES)) == b'"Pong"'

    rig.run(main)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b"CONNECT 52\n"])
def test_a_stream_that_is_none_of_frames_is_told_so_and_ended(rig, garbage: bytes) -> None:
    async def main() -> None:
        client = rig.connect()
        await client.send(garbage)
        assert "a frame holds" in message(await client.read())
        await client.ended()

    rig.run(main)


def test_a_frame_that_is_cut_short_is_told(rig) -> None:
    async def main() -> None:
        client = rig.connect()
        await client.send(PING[:-1])
        client.sock.shutdown(socket.SHUT_WR)
        assert message(await client.read()) == "the request was cut short"
        await client.ended()

    rig.run(main)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from((b'"Ping"', b"", b"{}", b'"Wake"', b'{"Exec":{"argv":[]}}')), max_size=5), st.data())
def test_every_frame_gets_one_answer_in_order_wherever_the_stream_is_cut(make_rig, bodies, data) -> None:
    stream, pieces = b"".join(encode_frame(body) for body in bodies), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        pieces.append(stream[:size])
        stream = stream[size:]
    rig = make_rig()

    async def main() -> None:
        client = rig.connect()
        for piece in pieces:
            await client.send(piece)
            await rig.loop.sleep(0)
        client.sock.shutdown(socket.SHUT_WR)
        for body in bodies:
            answer = await client.read()
            assert answer is not None
            assert {b'"Ping"': b'"Pong"', b'"Wake"': b'{"WakeAck":{"success":true}}'}.get(body, answer[:8]) in (
                answer,
                b'{"Error"',
            )
        await client.ended()

    rig.run(main)


def test_a_first_request_that_does_not_begin_in_time_is_told_of(rig) -> None:
    rig.serve_with(first_s=0.01)

    async def main() -> None:
        client = rig.connect()
        assert message(await client.read()) == "no request has come in time"
        await client.ended()

    rig.run(main)


@pytest.mark.parametrize("beginning", [PING[:3], PING[:-1]])
def test_a_begun_request_that_is_not_complete_in_time_is_told_of(rig, beginning: bytes) -> None:
    rig.serve_with(frame_s=0.01)

    async def main() -> None:
        for already in (b"", PING):
            client = rig.connect()
            await client.send(already + beginning)
            if already:
                assert await client.read() == b'"Pong"'
            assert message(await client.read()) == "the request was not complete in time"
            await client.ended()

    rig.run(main)


def test_dripping_bytes_does_not_stretch_the_time_for_a_request(rig) -> None:
    rig.serve_with(frame_s=0.05)

    async def main() -> None:
        client = rig.connect()

        async def drip() -> None:
            for byte in encode_frame(b"x" * 250_000):
                await client.send(bytes([byte]))
                await rig.loop.sleep(0)

        dripping = rig.loop.spawn(drip(), "drip")
        assert message(await client.read()) == "the request was not complete in time"
        await rig.loop.stop(dripping)

    rig.run(main)


def test_an_idle_connection_is_ended_without_a_word(rig) -> None:
    rig.serve_with(idle_s=0.01)

    async def main() -> None:
        client = rig.connect()
        assert await client.ask(b'"Ping"') == b'"Pong"'
        await client.ended()

    rig.run(main)


def test_a_peer_that_does_not_read_its_answers_is_not_waited_for(rig) -> None:
    rig.serve_with(answer_s=0.05)
    rig.stand_ins.integrations = [{"name": "x" * 200_000}]

    async def main() -> None:
        client = rig.connect()
        request = encode_frame(b'"IntegrationStatus"')
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:  # until the server, whose answers fill its side, no longer takes them
                await client.send(request)
                await rig.loop.sleep(0)
        # No more is answered than both buffers hold, however much is asked.
        received = 0
        with pytest.raises(ConnectionResetError):
            while True:
                received += len(await client.receive())
        assert received < 4_000_000

    rig.run(main)


def test_a_flood_of_mistakes_leaves_turns_for_others(rig) -> None:
    async def main() -> None:
        flooding, other = rig.connect(), rig.connect()
        answered = 0

        async def flood() -> None:
            while True:
                await flooding.send(b"\0" * 40_000)
                await rig.loop.sleep(0)

        async def read() -> None:
            nonlocal answered
            while await flooding.read() is not None:
                answered += 1

        tasks = [rig.loop.spawn(flood(), "flood"), rig.loop.spawn(read(), "read")]
        await rig.until(lambda: answered > 100)
        for _ in range(10):
            before = answered
            assert await other.ask(b'"Ping"') == b'"Pong"'
            assert answered - before < 50  # of the ten thousand in each piece, and hundreds that a buffer holds
        await rig.loop.stop(*tasks)

    rig.run(main)


def test_a_long_request_holds_up_its_own_connection_and_no_other(rig) -> None:
    rig.stand_ins.may_finish.clear()

    async def main() -> None:
        slow, quick = rig.connect(), rig.connect()
        await slow.send(encode_frame(SLEEP) + PING)
        for _ in range(5):
            assert await quick.ask(b'"Ping"') == b'"Pong"'
        rig.stand_ins.may_finish.set()
        assert await slow.read() == b'{"SleepPrepAck":{"success":true,"detail":null}}'
        assert await slow.read() == b'"Pong"'

    rig.run(main)


def test_sleep_is_prepared_to_its_end_also_when_its_peer_hangs_up(rig) -> None:
    rig.serve_with(look_s=0)
    rig.stand_ins.may_finish.clear()
    ended: list[bool] = []

    async def prepare(drain_s: float):
        await rig.stand_ins.may_finish.wait()
        ended.append(True)
        return rig.stand_ins.report

    rig.stand_ins.prepare = prepare

    async def main() -> None:
        client, other = rig.connect(), rig.connect()
        await client.send(encode_frame(SLEEP))
        assert await other.ask(b'"Ping"') == b'"Pong"'
        client.sock.close()
        for _ in range(10):
            assert await other.ask(b'"Ping"') == b'"Pong"'
        rig.stand_ins.may_finish.set()
        await rig.until(lambda: bool(ended))

    rig.run(main)


def test_a_host_that_speaks_another_version_is_told_and_left(rig) -> None:
    hello = b'{"ProtocolHello":{"host_protocol_version":%d,"min_supported_version":%d}}'

    async def main() -> None:
        client = rig.connect()
        assert b'"ProtocolHelloAck"' in (await client.ask(hello % (1, 1)) or b"")
        assert await client.ask(b'"Ping"') == b'"Pong"'
        assert b'"required_action":"rebuild_guest"' in (await client.ask(hello % (9, 9)) or b"")
        await client.ended()

    rig.run(main)


# The text before the frames


def test_a_connect_line_for_a_port_that_is_served_is_answered_and_frames_follow(rig) -> None:
    async def main() -> None:
        client = rig.connect(ports={52, 5252})
        await client.send(b"CONNECT 5252\n")
        assert (await client.receive()).startswith(b"OK ")
        assert await client.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


def test_frames_may_come_with_the_connect_line_or_instead_of_it(rig) -> None:
    async def main() -> None:
        client = rig.connect(ports={52})
        await client.send(b"CONNECT 52\n" + PING)
        received = b""
        while not received.endswith(PONG):
            received += await client.receive()
        line, _, rest = received.partition(b"\n")
        assert (line[:3], int(line[3:]) > 0, rest) == (b"OK ", True, PONG)
        assert await rig.connect(ports={52}).ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


@pytest.mark.parametrize("piece_bytes", [1, 3, 8, 9])
def test_a_connect_line_may_come_in_pieces(rig, piece_bytes: int) -> None:
    line = b"CONNECT 52\n" + PING

    async def main() -> None:
        client = rig.connect(ports={52})
        for start in range(0, len(line), piece_bytes):
            await client.send(line[start : start + piece_bytes])
            await rig.loop.sleep(0)
        received = b""
        while not received.endswith(PONG):
            received += await client.receive()
        assert received.startswith(b"OK ")

    rig.run(main)


@pytest.mark.parametrize("line", [b"CONNECT 53\n", b"CONNECT fifty-two\n", b"CONNECT " + b"0" * 100, b"CONNECT \n"])
def test_a_connect_line_that_leads_nowhere_is_hung_up_on_without_a_word(rig, line: bytes) -> None:
    async def main() -> None:
        client = rig.connect(ports={52})
        await client.send(line)
        assert await client.receive() == b""

    rig.run(main)


@pytest.mark.parametrize(("beginning", "limit"), [(b"", "first_s"), (b"CONNECT 5", "frame_s")])
def test_a_connect_line_that_does_not_come_in_time_is_not_waited_for(rig, beginning: bytes, limit: str) -> None:
    rig.serve_with(**{limit: 0.01})

    async def main() -> None:
        client = rig.connect(ports={52})
        await client.send(beginning)
        assert message(await client.read()) == "no request has come in time"
        await client.ended()

    rig.run(main)


# Who makes room


def test_a_newcomer_takes_the_place_of_the_one_that_has_let_us_wait_longest(rig) -> None:
    async def main() -> None:
        clients = [rig.connect() for _ in range(MAX_PEERS)]
        for client in clients:
            assert await client.ask(b'"Ping"') == b'"Pong"'
        assert await clients[0].ask(b'"Ping"') == b'"Pong"'  # so now the second has waited longest
        assert await rig.connect().ask(b'"Ping"') == b'"Pong"'
        assert message(await clients[1].read()) == MADE_ROOM
        await clients[1].ended()
        for client in (clients[0], *clients[2:]):
            assert await client.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


def test_whoever_is_being_answered_keeps_its_place_and_a_newcomer_is_told_that_there_is_none(rig) -> None:
    rig.stand_ins.may_finish.clear()

    async def main() -> None:
        clients = [rig.connect() for _ in range(MAX_PEERS)]
        for client in clients:
            await client.send(encode_frame(SLEEP))
        await rig.until(lambda: len(rig.stand_ins.calls) == MAX_PEERS)
        newcomer = rig.connect()
        await newcomer.send(PING)
        assert message(await newcomer.read()) == "too many connections"
        await newcomer.ended()
        rig.stand_ins.may_finish.set()
        for client in clients:
            assert b"SleepPrepAck" in (await client.read() or b"")
        assert await rig.connect().ask(b'"Ping"') == b'"Pong"'

    rig.run(main)


def test_those_that_read_no_answer_make_room_where_nobody_else_does(rig) -> None:
    rig.stand_ins.integrations = [{"name": "x" * 250_000}]
    request = encode_frame(b'"IntegrationStatus"')

    async def main() -> None:
        clients = [rig.connect() for _ in range(MAX_PEERS)]
        for client in clients:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await client.send(request * 4)
        await rig.until(lambda: rig.stand_ins.calls == ["integration_reports"] * MAX_PEERS)
        assert await rig.connect().ask(b'"Ping"') == b'"Pong"'
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                await clients[0].send(b"x")
        assert await clients[1].read() is not None

    rig.run(main)


def test_a_flood_of_connections_is_served_in_turn_and_leaves_nothing(rig) -> None:
    async def main() -> None:
        for _ in range(10):
            clients = [rig.connect() for _ in range(50)]
            for client in clients:
                await client.send(PING[:3])
            clients.append(rig.connect())
            assert await clients[-1].ask(b'"Ping"') == b'"Pong"'
            for client in clients:
                client.sock.close()
        await rig.until(lambda: rig.loop.task_count == 1)

    rig.run(main)


def test_those_that_are_told_to_go_and_do_not_are_cut_off_by_those_that_follow(rig) -> None:
    rig.serve_with(farewell_s=60)

    async def main() -> None:
        clients = []
        for _ in range(MAX_LEAVING + 1):
            client = rig.connect()
            await client.send(b"\xff" * 4)
            assert message(await client.read())
            clients.append(client)
        # All have been told; the first no longer is listened to, the last still is.
        with pytest.raises(BrokenPipeError):
            while True:
                await clients[0].send(b"x")
                await rig.loop.sleep(0)
        await clients[-1].send(b"x")

    rig.run(main)


def test_hanging_up_ends_all_but_those_whose_requests_are_being_worked_on(rig) -> None:
    rig.stand_ins.may_finish.clear()

    async def main() -> None:
        working, idle, begun, new = (rig.connect() for _ in range(4))
        await working.send(encode_frame(SLEEP))
        assert await idle.ask(b'"Ping"') == b'"Pong"'
        await begun.send(PING[:5])
        await rig.until(lambda: rig.stand_ins.calls == [("prepare", 1.0)])
        rig.conversations.hang_up()
        for client in (idle, begun, new):
            await client.ended()
        rig.stand_ins.may_finish.set()
        assert await working.read() == b'{"SleepPrepAck":{"success":true,"detail":null}}'
        assert await working.ask(b'"Ping"') == b'"Pong"'

    rig.run(main)
