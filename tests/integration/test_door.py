"""The DevTools door over real sockets: what passes, what is refused, and how a connection ends."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloche.api.auth.tokens import TokenRole
from cloche.errors import AgentError, DeadlineError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.chromium import HOST_IT_BELIEVES, PAGE_ID
from cloche.testing.relays import WORKERS, data_workers


@pytest.fixture(params=WORKERS, ids=["here", "workers"])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[RunningApi]:
    async with data_workers(request.param) as workers, running_api(relays_of=workers and workers.of) as running:
        yield running


def dial(url: str, **options: Any) -> connect:
    return connect(url, max_size=None, proxy=None, compression=None, ping_interval=None, **options)


async def close_of(client: ClientConnection) -> tuple[int, str]:
    """Wait for the server's Close frame; 1006 when there was none."""
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed) as raised:
            while True:
                await client.recv()
    frame = raised.value.rcvd
    return (frame.code, frame.reason) if frame else (1006, "")


async def status_of(url: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    """The HTTP answer to a WebSocket upgrade that is refused."""
    with pytest.raises(InvalidStatus) as raised:
        async with dial(url, **options):
            raise AssertionError("the door let it in")
    response = raised.value.response
    return response.status_code, dict(response.headers.raw_items()), bytes(response.body or b"")


async def test_messages_pass_both_ways_unaltered(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("hallo Glocke ☃")
        assert await client.recv() == "hallo Glocke ☃"
        await client.send(b"\x00\xff")
        assert await client.recv() == b"\x00\xff"


async def test_a_twenty_megabyte_frame_passes_each_way(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send('{"send_bytes": 20000000}')
        answer = await client.recv()
        assert answer == bytes(20_000_000)
        big = os.urandom(1 << 20) * 20
        await client.send(big)
        assert await client.recv() == big


async def test_many_clients_drive_one_session_at_once(api: RunningApi) -> None:
    session = await api.session()

    async def converse(number: int) -> None:
        async with dial(session["connect_url"]) as client:
            for turn in range(10):
                await client.send(f"{number}:{turn}")
                assert await client.recv() == f"{number}:{turn}"

    async with asyncio.timeout(30):
        await asyncio.gather(*(converse(number) for number in range(40)))
    await api.manager.all_left(SessionId(session["id"]))


async def test_chromium_sees_only_what_the_handshake_needs(api: RunningApi) -> None:
    session = await api.session()
    secret = {"X-API-Key": api.user_key, "Cookie": "a=b", "X-Forwarded-For": "10.0.0.1", "X-Other": "y"}
    origin = f"http://127.0.0.1:{api.port}"
    async with dial(session["connect_url"], additional_headers=secret, origin=origin):
        visitor = await api.chromium.visited()
    assert visitor.path == api.chromium.browser_path
    fields = dict(visitor.headers)
    assert fields["host"] == HOST_IT_BELIEVES
    assert {name for name in fields if not name.startswith("sec-websocket-")} == {"host", "connection", "upgrade"}


async def test_a_key_opens_the_door_without_a_token(api: RunningApi) -> None:
    session = await api.session()
    url = session["connect_url"].partition("?")[0]
    for key in (api.user_key, api.admin_key):
        async with dial(url, additional_headers={"Authorization": f"Bearer {key}"}) as client:
            await client.send("x")
            assert await client.recv() == "x"


async def test_a_page_is_reached_by_its_own_address(api: RunningApi) -> None:
    session = await api.session()
    url = session["connect_url"].replace("/cdp?", f"/devtools/page/{PAGE_ID}?")
    async with dial(url) as client:
        await client.send("x")
        assert await client.recv() == "x"
    assert (await api.chromium.visited()).path == f"/devtools/page/{PAGE_ID}"


async def test_a_page_that_is_not_there_is_a_plain_404(api: RunningApi) -> None:
    session = await api.session()
    url = session["connect_url"].replace("/cdp?", "/devtools/page/NOSUCHPAGE?")
    status, _, body = await status_of(url)
    assert status == 404 and b'"code":"not_found"' in body


async def test_a_stale_browser_address_leads_to_the_browser_there_is(api: RunningApi) -> None:
    session = await api.session()
    url = session["connect_url"].replace("/cdp?", "/devtools/browser/from-before-the-restart?")
    async with dial(url) as client:
        await client.send("x")
        assert await client.recv() == "x"


async def test_another_websocket_path_is_a_plain_404(api: RunningApi) -> None:
    session = await api.session()
    for path in (f"/v1/sessions/{session['id']}/other", "/ws", "/", f"/v1/sessions/{session['id']}/cdp/x"):
        status, headers, body = await status_of(f"ws://127.0.0.1:{api.port}{path}")
        assert status == 404 and b'"code":"not_found"' in body
        assert {name.lower(): value for name, value in headers.items()}["content-type"] == "application/problem+json"


async def test_bad_foreign_expired_and_viewing_tokens_are_refused(api: RunningApi) -> None:
    session = await api.session()
    ours, other = SessionId(session["id"]), await api.session_id()
    soon = api.clock.now() + timedelta(minutes=5)
    expiring = api.signer.mint(ours, TokenRole.DRIVE, soon)
    base = session["connect_url"].partition("?")[0]
    async with dial(f"{base}?token={expiring}"):
        pass
    api.clock.offset = timedelta(minutes=6)
    refused = {
        "": 401,
        "?token=": 401,
        "?token=nonsense": 401,
        f"?token={expiring}": 401,
        f"?token={api.signer.mint(other, TokenRole.DRIVE)}": 401,
        f"?token={api.signer.mint(ours, TokenRole.VIEW)}": 403,
    }
    for query, expected in refused.items():
        assert (await status_of(base + query))[0] == expected, query
    assert not api.manager.attachments.get(ours)


async def test_a_foreign_or_unknown_session_is_not_found_with_a_key(api: RunningApi) -> None:
    session = await api.session()
    base = session["connect_url"].partition("?")[0]
    foreign = {"Authorization": f"Bearer {api.other_key}"}
    assert (await status_of(base, additional_headers=foreign))[0] == 404
    unknown = base.replace(session["id"], new_session_id())
    assert (await status_of(unknown, additional_headers={"X-API-Key": api.admin_key}))[0] == 404
    assert (await status_of(base, additional_headers={"X-API-Key": "ck_wrong"}))[0] == 401


async def test_an_ended_session_is_gone_and_says_why(api: RunningApi) -> None:
    session = await api.session()
    await api.manager.end(SessionId(session["id"]), EndReason.IDLE_TIMEOUT)
    status, _, body = await status_of(session["connect_url"])
    assert status == 410 and b'"reason":"idle_timeout"' in body


async def test_a_session_that_is_not_ready_is_a_conflict(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        pending = (await client.post("/v1/sessions?wait=false")).json()
    assert pending["status"] == "pending"
    assert (await status_of(pending["connect_url"]))[0] == 409


@pytest.mark.parametrize(("error", "status"), [(AgentError("x"), 502), (DeadlineError("x"), 504)])
async def test_a_browser_that_cannot_be_dialled_is_a_problem_before_the_upgrade(
    api: RunningApi, error: AgentError, status: int
) -> None:
    session = await api.session()
    api.manager.dial_error = error
    assert (await status_of(session["connect_url"]))[0] == status
    await api.manager.all_left(SessionId(session["id"]))


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (EndReason.CLOSED_BY_USER, 1001),
        (EndReason.IDLE_TIMEOUT, 4408),
        (EndReason.LIFETIME_REACHED, 4410),
        (EndReason.OUT_OF_MEMORY, 4413),
        (EndReason.SANDBOX_LOST, 1011),
        (EndReason.BROWSER_GAVE_UP, 1011),
    ],
)
async def test_the_close_code_tells_why_a_session_ended(api: RunningApi, reason: EndReason, code: int) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
        await api.manager.end(SessionId(session["id"]), reason)
        assert await close_of(client) == (code, reason.value)
    await api.manager.all_left(SessionId(session["id"]))


async def test_a_browser_that_restarts_closes_with_1012_and_can_be_dialled_again(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
        api.chromium.restart()
        api.manager.browser_went(SessionId(session["id"]), "browser_restarting")
        assert await close_of(client) == (1012, "browser_restarting")
    async with dial(session["connect_url"]) as client:
        await client.send("y")
        assert await client.recv() == "y"


async def test_a_browser_that_vanishes_without_a_reason_closes_with_1012(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
        api.chromium.crash()
        assert await close_of(client) == (1012, "browser_closed")


async def test_a_tab_that_closes_ends_its_connection_with_1001(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"].replace("/cdp?", f"/devtools/page/{PAGE_ID}?")) as client:
        await client.send("x")
        await client.recv()
        api.chromium.crash()
        assert await close_of(client) == (1001, "target_closed")


async def test_no_close_frame_is_put_into_the_middle_of_a_frame(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
        visitor = await api.chromium.visited()
        visitor.send_raw(b"\x82\x7e\x10\x00half of it")
        visitor.send_raw(b"\x88")  # what follows inside the frame is payload, whatever it looks like
        api.chromium.crash()
        assert await close_of(client) == (1006, "")


async def test_a_close_frame_of_chromiums_own_is_the_last(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
        (await api.chromium.visited()).send_raw(b"\x88\x02\x03\xe8")
        api.chromium.crash()
        assert await close_of(client) == (1000, "")


async def test_a_client_that_vanishes_lets_go_of_the_session(api: RunningApi) -> None:
    session = await api.session()
    client = await dial(session["connect_url"])
    await client.send("x")
    await client.recv()
    raw: socket.socket = client.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()
    await api.manager.all_left(SessionId(session["id"]))


async def test_a_client_that_says_goodbye_lets_go_of_the_session(api: RunningApi) -> None:
    session = await api.session()
    async with dial(session["connect_url"]) as client:
        await client.send("x")
        await client.recv()
    assert client.close_code == 1000
    await api.manager.all_left(SessionId(session["id"]))


def upgrade_head(session: dict[str, Any]) -> bytes:
    target = "/" + session["connect_url"].split("/", 3)[3]
    return (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


MASKED_HI = b"\x81\x82\x00\x00\x00\x00hi"


async def test_a_head_in_pieces_is_put_together(api: RunningApi) -> None:
    session = await api.session()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = upgrade_head(session)
    for start in range(0, len(head), 7):
        writer.write(head[start : start + 7])
        await writer.drain()
        await asyncio.sleep(0)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 101")
    writer.write(MASKED_HI)
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x81\x02hi"
    writer.close()
    await writer.wait_closed()


async def test_a_frame_sent_right_behind_the_head_is_not_lost(api: RunningApi) -> None:
    session = await api.session()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(upgrade_head(session) + MASKED_HI + MASKED_HI[:3])
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 101")
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x81\x02hi"
    writer.write(MASKED_HI[3:])
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"\x81\x02hi"
    writer.close()
    await writer.wait_closed()


async def test_the_door_works_on_a_connection_that_made_a_request_before(api: RunningApi) -> None:
    session = await api.session()
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b'{"status":"ok"}'), 5)
    writer.write(upgrade_head(session))
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 101")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "broken",
    [
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"),
        (b"AAAAAAAAAAAAAAAAAAAAAA==", b"short"),
        (b"Host: 127.0.0.1", b"Host: 127.0.0.1\r\nContent-Length: 0\r\nTransfer-Encoding: identity"),
        (b"GET ", b"POST "),
    ],
)
async def test_a_broken_handshake_is_a_400(api: RunningApi, broken: tuple[bytes, bytes]) -> None:
    head = upgrade_head(await api.session()).replace(*broken)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head)
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def test_a_stopping_server_sends_clients_home_with_1001() -> None:
    async with running_api() as api:
        session = await api.session()
        client = await dial(session["connect_url"])
        await client.send("x")
        await client.recv()
        leaving = asyncio.gather(close_of(client))
    (told,) = await leaving
    assert told == (1001, "server_stopping")
    await api.manager.all_left(SessionId(session["id"]))
    await client.wait_closed()


async def test_a_stopping_server_turns_away_who_is_not_through_yet() -> None:
    async with running_api() as api:
        session = await api.session()
        api.manager.may_dial.clear()
        refused = asyncio.gather(status_of(session["connect_url"]))
        await api.manager.someone_attached(SessionId(session["id"]))
    ((status, headers, _),) = await refused
    assert status == 429 and "retry-after" in {name.lower() for name in headers}
    await api.manager.all_left(SessionId(session["id"]))
