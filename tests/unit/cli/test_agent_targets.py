"""Options that name an agent, and what it is asked."""

from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from cloche.cli.agent_targets import Order, SocketAgent, read_path_and_port, read_vsock, socket_agent
from cloche.errors import AgentError
from cloche.testing.guest_peer import WORKING, GuestPeer, answer_from

ports = st.integers(0, 2**32 - 1)


def order(**changes: Any) -> Order:
    options: dict[str, Any] = {"argv": ("ls", "-l"), "shell": None, "stdin": None, "timeout_s": 30}
    return Order(**options | changes)


def agent_at(peer: GuestPeer) -> SocketAgent:
    agent = socket_agent(str(peer.path), None, None)
    assert agent is not None
    return agent


@given(ports, ports)
def test_a_vsock_address_is_read_as_it_is_written(cid: int, port: int) -> None:
    assert read_vsock(f"{cid}:{port}") == (cid, port)
    assert read_vsock(str(cid)) == (cid, 52)


@pytest.mark.parametrize(
    "text", ["", ":", "3:", ":52", "3:x", "-1:52", "3:52:1", "4294967296:52", "3:4294967296", "٣:1"]
)
def test_what_is_no_vsock_address_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_vsock(text)


@given(st.text(min_size=1).filter(lambda path: not path.rpartition(":")[2].isdecimal()), ports)
def test_a_path_may_be_followed_by_a_port(path: str, port: int) -> None:
    assert read_path_and_port(path) == (path, 52)
    assert read_path_and_port(f"{path}:{port}") == (path, port)


@given(st.text())
def test_whatever_is_given_is_a_path_or_wrong_usage(text: str) -> None:
    try:
        path, port = read_path_and_port(text)
    except typer.BadParameter:
        return
    assert path and text.startswith(path) and 0 <= port < 2**32


def test_a_path_that_ends_like_a_port_can_be_named_with_its_port() -> None:
    assert read_path_and_port("/run/v.sock:7:52") == ("/run/v.sock:7", 52)


def test_no_option_names_nobody_and_two_are_wrong_usage() -> None:
    assert socket_agent(None, None, None) is None
    for options in [("/s", "3:52", None), ("/s", None, "/f"), (None, "3:52", "/f")]:
        with pytest.raises(typer.BadParameter):
            socket_agent(*options)


def test_an_agent_is_called_what_the_user_typed() -> None:
    agents = [socket_agent("/s", None, None), socket_agent(None, "3:5252", None), socket_agent(None, None, "/f:53")]
    assert [agent.name for agent in agents if agent] == ["/s", "3:5252", "/f:53"]


async def test_a_ping_takes_a_pong_and_nothing_else(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s") as peer:
        assert await agent_at(peer).ping() > 0
    async with GuestPeer(tmp_path / "t", answer_from({"Ping": "Wake"})) as peer:
        with pytest.raises(AgentError):
            await agent_at(peer).ping()


async def test_a_report_takes_three_questions(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s") as peer:
        report = await agent_at(peer).report()
    assert report["health_summary"]["summary"] == "2/3 ok (swap)"
    assert sorted(peer.requests) == sorted(set(WORKING) - {"Ping"})


async def test_argv_goes_out_as_it_stands_and_shell_text_under_its_own_name(tmp_path: Path) -> None:
    done = {"ExecResult": {"exit_code": 0, "stdout": "o", "stderr": "e"}}
    async with GuestPeer(tmp_path / "s", lambda _: done) as peer:
        assert await agent_at(peer).execute(order(argv=("echo", "a b", "$HOME", ""))) == (0, "o", "e")
        await agent_at(peer).execute(order(argv=None, shell="ls | wc", stdin="in", timeout_s=5))
    assert peer.requests == [
        {"Exec": {"argv": ["echo", "a b", "$HOME", ""], "stdin": None, "timeout_secs": 30}},
        {"Exec": {"command": "ls | wc", "stdin": "in", "timeout_secs": 5}},
    ]


async def test_an_agent_that_hangs_up_on_argv_may_take_shell_text(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: None) as peer:
        with pytest.raises(AgentError, match="--shell"):
            await agent_at(peer).execute(order())
        with pytest.raises(AgentError, match=r"hung up without an answer$"):
            await agent_at(peer).execute(order(argv=None, shell="ls"))


async def test_what_is_not_hanging_up_brings_no_such_hint(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: {"Error": {"message": "Exec is off"}}) as peer:
        with pytest.raises(AgentError, match=r"^the agent refused: Exec is off$"):
            await agent_at(peer).execute(order())
