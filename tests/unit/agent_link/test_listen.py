import asyncio
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.agent_link import listen, outgoing
from cloche.agent_link.listen import MAX_BAD_LINES, MAX_CONNECTIONS, AgentLink, hash_token
from cloche.errors import AgentError, DeadlineError, StartError
from cloche.testing.link_peer import LinkPeer
from cloche.wire.messages import AgentMessage, Payload, ToAgent

ID, TOKEN = "ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2X", "the-token"


class Heard:
    """A LinkHandler that writes down what it hears."""

    def __init__(self) -> None:
        self.registered: list[Payload] = []
        self.said: list[AgentMessage] = []
        self.misspoke: list[str] = []
        self.lost = 0
        self._news = asyncio.Event()

    def agent_registered(self, payload: Payload) -> None:
        self.registered.append(payload)
        self._news.set()

    def agent_said(self, message: AgentMessage) -> None:
        self.said.append(message)
        self._news.set()

    def agent_lost(self) -> None:
        self.lost += 1
        self._news.set()

    def agent_misspoke(self, reason: str) -> None:
        self.misspoke.append(reason)
        self._news.set()

    async def until(self, holds: Callable[["Heard"], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds(self):
                self._news.clear()
                await self._news.wait()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "LINGER_S", 0.02)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def link(heard: Heard, tmp_path: Path) -> AsyncIterator[AgentLink]:
    link = AgentLink(session_id=ID, token_hash=hash_token(TOKEN), lease_s=30, handler=heard)
    await link.listen(tmp_path / "agent.sock", peer_uid=os.getuid())
    yield link
    await link.close()


@pytest.fixture
async def peer(link: AgentLink, tmp_path: Path) -> AsyncIterator[LinkPeer]:
    async with LinkPeer(tmp_path / "agent.sock", ID) as peer:
        yield peer


async def test_an_agent_with_the_right_token_is_registered_and_gets_its_lease(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    with pytest.raises(DeadlineError):
        await link.registered(timeout_s=0.01)
    assert not link.is_up
    await peer.register(TOKEN, version="agent/1.0")
    await link.registered(timeout_s=5)

    assert link.is_up
    assert heard.registered[0]["version"] == "agent/1.0"
    lease = await peer.next_command()
    assert (lease.type, lease.payload) == (ToAgent.LEASE, {"ttl_s": 30})


async def test_the_lease_is_renewed_without_being_asked(heard: Heard, tmp_path: Path) -> None:
    link = AgentLink(session_id=ID, token_hash=hash_token(TOKEN), lease_s=0.06, handler=heard)
    await link.listen(tmp_path / "a.sock", peer_uid=None)
    async with LinkPeer(tmp_path / "a.sock", ID) as peer:
        await peer.register(TOKEN)
        leases = [await peer.next_command() for _ in range(4)]
    await link.close()

    assert {command.type for command in leases} == {ToAgent.LEASE}
    assert len({command.id for command in leases}) == 4


async def test_one_that_stands_still_is_sent_nothing_until_it_goes_on(heard: Heard, tmp_path: Path) -> None:
    link = AgentLink(session_id=ID, token_hash=hash_token(TOKEN), lease_s=0.06, handler=heard)
    await link.listen(tmp_path / "a.sock", peer_uid=None)
    async with LinkPeer(tmp_path / "a.sock", ID) as peer:
        await peer.register(TOKEN)
        await peer.next_command()
        link.hold()
        came = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.4):  # time for twenty
                while True:
                    await peer.next_command()
                    came += 1
        link.go_on()
        lease = await peer.next_command()
    await link.close()

    assert came <= 1, "no more than one that was on its way"
    assert lease.type == ToAgent.LEASE


async def test_messages_arrive_in_order_also_when_cut_anywhere(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    lines = b"".join(peer.encode("heartbeat", {"n": n}) for n in range(50))
    for start in range(0, len(lines), 7):
        await peer.send_raw(lines[start : start + 7])
    await heard.until(lambda heard: len(heard.said) == 50)

    assert [message.payload["n"] for message in heard.said] == list(range(50))
    assert heard.misspoke == []


async def test_what_comes_in_one_breath_with_the_register_is_heard(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    await peer.send_raw(peer.encode("register", {"token": TOKEN}) + peer.encode("browser", {"state": "ready"}))
    await heard.until(lambda heard: len(heard.said) == 1)

    assert heard.said[0].payload == {"state": "ready"}


@pytest.mark.parametrize(
    "first",
    [
        {"type": "register", "session_id": ID, "payload": {"token": "wrong"}},
        {"type": "register", "session_id": ID, "payload": {"token": hash_token(TOKEN)}},
        {"type": "register", "session_id": ID, "payload": {"token": None}},
        {"type": "register", "session_id": ID, "payload": {"token": [TOKEN]}},
        {"type": "register", "session_id": ID, "payload": {"token": "\ud800"}},
        {"type": "register", "session_id": ID, "payload": {}},
        {"type": "register", "session_id": ID},
        {"type": "register", "session_id": ID, "payload": TOKEN},
        {"type": "register", "session_id": "ses_other", "payload": {"token": TOKEN}},
        {"type": "heartbeat", "session_id": ID, "payload": {"token": TOKEN}},
        {"type": 1, "session_id": ID},
        {},
    ],
)
async def test_whoever_does_not_begin_with_the_right_register_is_hung_up_on(
    link: AgentLink, heard: Heard, peer: LinkPeer, first: dict[str, Any]
) -> None:
    await peer.send_raw(json.dumps(first).encode() + b"\n")
    await peer.until_hung_up()

    assert not link.is_up
    assert (heard.registered, heard.lost) == ([], 0)


@pytest.mark.parametrize("first", [b"\n[]\n", b"\x00\xff\xfe\n", b"GET / HTTP/1.1\r\n\r\n", b"{" * 5000 + b"\n"])
async def test_garbage_before_the_register_is_hung_up_on(
    link: AgentLink, heard: Heard, peer: LinkPeer, first: bytes
) -> None:
    await peer.send_raw(first)
    await peer.until_hung_up()

    assert heard.registered == []


@pytest.mark.parametrize("first", [b"", b'{"type":"register"', b"\n\n\n"])
async def test_half_a_line_does_not_hold_a_place_for_long(
    link: AgentLink, heard: Heard, peer: LinkPeer, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "REGISTER_TIMEOUT_S", 0.05)
    async with LinkPeer(peer.path, ID) as slow:
        await slow.send_raw(first)
        await slow.until_hung_up()

    assert heard.registered == []


async def test_half_a_line_after_the_register_waits_for_its_other_half(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    await peer.register(TOKEN)
    line = peer.encode("heartbeat", {})
    await peer.send_raw(line[:10])
    await peer.next_command()
    assert heard.said == []
    await peer.send_raw(line[10:])
    await heard.until(lambda heard: len(heard.said) == 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json\n", "not_json"),
        (b"[1]\n", "not_an_object"),
        (b"[" * 50_000 + b"\n", "not_json"),
        (b'{"a":"' + b"x" * 70_000 + b'"}\n', "too_long"),
        (b'{"type":"heartbeat","session_id":"ses_other"}\n', "another session's message"),
        (b'{"type":"heartbeat"}\n', "type and session_id must be strings"),
        (json.dumps({"type": "x", "session_id": ID, "payload": 3}).encode() + b"\n", "payload must be an object"),
    ],
)
async def test_a_line_that_is_no_message_is_told_and_the_talk_goes_on(
    link: AgentLink, heard: Heard, peer: LinkPeer, line: bytes, reason: str
) -> None:
    await peer.register(TOKEN)
    await peer.send_raw(line + peer.encode("heartbeat", {}))
    await heard.until(lambda heard: len(heard.said) == 1)

    assert heard.misspoke == [reason]
    assert link.is_up


async def test_one_that_only_talks_nonsense_is_dropped_before_it_costs_much(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    await peer.register(TOKEN)
    await peer.send_raw(b"x\n" * 20_000, may_fail=True)
    await heard.until(lambda heard: heard.lost == 1)

    assert len(heard.misspoke) == MAX_BAD_LINES + 1
    assert not link.is_up


async def test_an_endless_line_is_not_kept(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    for _ in range(40):
        await peer.send_raw(b"x" * 65_536)
    await peer.send_raw(b"\n" + peer.encode("heartbeat", {}))
    await heard.until(lambda heard: len(heard.said) == 1)

    assert heard.misspoke == ["too_long"]


async def test_a_flood_waits_in_its_own_socket_and_nobody_else_waits(
    link: AgentLink, heard: Heard, peer: LinkPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "FLOOD_WINDOW_S", 30)
    await peer.register(TOKEN)
    flooding = peer.flood(peer.encode("heartbeat", {"filling": "x" * 200}))
    try:
        await heard.until(lambda heard: len(heard.said) > listen.FLOOD_MESSAGES)
        await peer.until_blocked()
        taken = len(heard.said)
        for _ in range(50):
            await asyncio.sleep(0)
        # At most one more chunk of 64 KiB was read after the limit.
        assert len(heard.said) == taken <= listen.FLOOD_MESSAGES + 65_536 // 200
        assert link.is_up
    finally:
        await flooding()


async def test_a_newer_agent_takes_the_place_of_the_older(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    await peer.next_command()
    async with LinkPeer(peer.path, ID) as newer:
        await newer.register(TOKEN)
        await newer.next_command()
        await peer.until_hung_up()
        await link.send(ToAgent.SHUTDOWN)
        assert (await newer.next_command()).type == ToAgent.SHUTDOWN
        assert (len(heard.registered), heard.lost, link.is_up) == (2, 0, True)
    await heard.until(lambda heard: heard.lost == 1)


async def test_one_with_a_wrong_token_does_not_push_out_the_right_one(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    async with LinkPeer(peer.path, ID) as impostor:
        await impostor.register("wrong")
        await impostor.until_hung_up()

    assert (link.is_up, heard.lost) == (True, 0)


async def test_an_agent_that_hangs_up_is_lost_and_may_come_back(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    await peer.hang_up()
    await heard.until(lambda heard: heard.lost == 1)
    assert not link.is_up
    with pytest.raises(AgentError):
        await link.send(ToAgent.HEALTH_CHECK)
    with pytest.raises(DeadlineError):
        await link.registered(timeout_s=0.01)

    async with LinkPeer(peer.path, ID) as again:
        await again.register(TOKEN)
        await link.registered(timeout_s=5)
        assert link.is_up


async def test_what_an_agent_says_before_it_hangs_up_is_heard_although_the_host_was_writing(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    """It tells why and is gone before its lease can be written: the failed write must not swallow the reason."""

    def go(payload: Payload) -> None:
        Heard.agent_registered(heard, payload)
        peer.send_now(peer.encode("browser", {"state": "gave_up"}))
        peer.shut()

    heard.agent_registered = go  # type: ignore[method-assign]
    await peer.register(TOKEN)
    await heard.until(lambda heard: heard.lost == 1)

    assert [message.payload for message in heard.said] == [{"state": "gave_up"}]


async def test_commands_sent_at_once_arrive_whole(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    filling = "x" * 50_000
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(link.send(ToAgent.COLLECT_METRICS, {"filling": filling}))
        commands = [await peer.next_command() for _ in range(21)]

    assert len({command.id for command in commands}) == 21


async def test_one_that_is_sending_when_the_link_is_dropped_is_told(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    sending = asyncio.gather(
        *(link.send(ToAgent.COLLECT_METRICS, {"filling": "x" * 60_000}) for _ in range(50)), return_exceptions=True
    )
    for _ in range(5):
        await asyncio.sleep(0)
    link.drop()
    outcomes = await asyncio.wait_for(sending, 2)

    assert isinstance(outcomes[-1], AgentError)
    await heard.until(lambda heard: heard.lost == 1)


async def test_dropping_cuts_the_connection_and_the_agent_may_come_back(
    link: AgentLink, heard: Heard, peer: LinkPeer
) -> None:
    link.drop()
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    link.drop()
    await heard.until(lambda heard: heard.lost == 1)
    await peer.until_hung_up()


async def test_only_so_many_may_be_in_the_line(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    async with contextlib.AsyncExitStack() as stack:
        waiting = [peer] + [
            await stack.enter_async_context(LinkPeer(peer.path, ID)) for _ in range(MAX_CONNECTIONS + 4)
        ]
        for late in waiting[MAX_CONNECTIONS:]:
            await late.until_hung_up()
        await waiting[0].register(TOKEN)
        await link.registered(timeout_s=5)


async def test_who_dials_in_a_loop_gets_few_turns(
    link: AgentLink, heard: Heard, peer: LinkPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "LINGER_S", 30)
    for _ in range(60):
        async with LinkPeer(peer.path, ID) as flapping:
            await flapping.send_raw(flapping.encode("register", {"token": TOKEN}), may_fail=True)
            await flapping.hang_up()
    await heard.until(lambda heard: heard.lost == len(heard.registered))

    assert len(heard.registered) <= MAX_CONNECTIONS


async def test_an_agent_that_never_reads_is_dropped(
    link: AgentLink, heard: Heard, peer: LinkPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "SEND_TIMEOUT_S", 0.1)
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    with pytest.raises(AgentError):
        for _ in range(100):
            await link.send(ToAgent.COLLECT_METRICS, {"filling": "x" * 60_000})
    await heard.until(lambda heard: heard.lost == 1)

    assert not link.is_up


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be someone else: run the tests as root")
async def test_another_user_is_turned_away_whatever_it_knows(link: AgentLink, heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "agent.sock").chmod(0o666)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == 0 and not directory.stat().st_mode & 0o001:
            directory.chmod(directory.stat().st_mode | 0o011)
    line = json.dumps({"type": "register", "session_id": ID, "payload": {"token": TOKEN}})
    script = f"""
import os, socket
os.setgroups([]); os.setgid(54321); os.setuid(54321)
peer = socket.socket(socket.AF_UNIX)
peer.connect({str(tmp_path / "agent.sock")!r})
peer.settimeout(5)
try:
    peer.sendall({line.encode() + chr(10).encode()!r})
    print(len(peer.recv(100)))
except OSError:
    print(0)
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    answer, _ = await asyncio.wait_for(child.communicate(), 10)

    assert answer == b"0\n"
    assert heard.registered == []


async def test_the_socket_is_for_its_user_alone(link: AgentLink, tmp_path: Path) -> None:
    facts = (tmp_path / "agent.sock").stat()

    assert stat.S_ISSOCK(facts.st_mode)
    assert stat.S_IMODE(facts.st_mode) == 0o600
    assert facts.st_uid == os.getuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away: run the tests as root")
async def test_the_socket_of_another_user_belongs_to_it(heard: Heard, tmp_path: Path) -> None:
    link = AgentLink(session_id=ID, token_hash=hash_token(TOKEN), lease_s=30, handler=heard)
    await link.listen(tmp_path / "a.sock", peer_uid=54321)
    facts = (tmp_path / "a.sock").stat()
    await link.close()

    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (54321, 0o600)


async def test_a_socket_of_an_earlier_daemon_is_replaced(heard: Heard, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    link = AgentLink(session_id=ID, token_hash=hash_token(TOKEN), lease_s=30, handler=heard)
    await link.listen(path, peer_uid=None)
    async with LinkPeer(path, ID) as peer:
        await peer.register(TOKEN)
        await link.registered(timeout_s=5)
    await link.close()


async def test_closing_leaves_no_file_no_task_and_no_connection(link: AgentLink, heard: Heard, peer: LinkPeer) -> None:
    await peer.register(TOKEN)
    await link.registered(timeout_s=5)
    async with LinkPeer(peer.path, ID) as other:
        await link.close()
        await link.close()
        await peer.until_hung_up()
        await other.until_hung_up()

    assert not peer.path.exists()
    # The fixture of every test sees to tasks and descriptors.


async def test_a_link_that_never_listened_can_be_closed(heard: Heard) -> None:
    await AgentLink(session_id=ID, token_hash="", lease_s=30, handler=heard).close()


async def test_a_path_that_is_too_long_leaves_no_socket_open(heard: Heard, tmp_path: Path) -> None:
    link = AgentLink(session_id=ID, token_hash="", lease_s=30, handler=heard)
    with pytest.raises(StartError):
        await link.listen(tmp_path / ("x" * 120), peer_uid=None)
    await link.close()
