"""`cloche agent` as a person runs it: against sessions of a served API, and against agents' sockets without one."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.agent_link.dial import dial_unix
from cloche.agent_link.guest import ask
from cloche.errors import AgentError, ConflictError, DeniedError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import cloche, cloche_on_a_terminal, surroundings
from cloche.testing.daemon import DaemonProcess
from cloche.testing.guest_peer import WORKING, GuestPeer, answer_from
from cloche.wire.guest import Tagged, Verb

DONE: dict[str, Any] = {"ExecResult": {"exit_code": 7, "stdout": "out\x1b[2J\n", "stderr": "err\n"}}


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[GuestPeer]:
    """An agent of the published protocol, which answers everything but Exec by argv."""

    def answer(request: Any) -> Any:
        return answer_from(WORKING | ({"Exec": DONE} if "command" in request.get("Exec", {}) else {}))(request)

    answers = answer_from(WORKING)
    async with GuestPeer(tmp_path / "s", lambda it: answer(it) if isinstance(it, dict) else answers(it)) as peer:
        yield peer


@pytest.fixture
async def real_agent(tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of an agent of ours that runs a probe and may run programs."""
    (tmp_path / "probes.d").mkdir()
    probe = {"name": "disk", "cmd": """echo '{"used": 42}'""", "output_format": "json"}
    (tmp_path / "probes.d/disk.json").write_text(json.dumps(probe))
    (tmp_path / "policy.json").write_text('{"access": {"debug_exec": true}}')
    path = tmp_path / "agent.sock"
    options = {"--listen": f"unix:{path}", "--config-dir": tmp_path, "--policy": tmp_path / "policy.json"}
    arguments = [str(word) for option in options.items() for word in option]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cloche.agent", "--exec", *arguments)
    try:
        async with asyncio.timeout(5):
            while not await reports_a_probe(path):
                await asyncio.sleep(0.02)
        yield path
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def reports_a_probe(path: Path) -> bool:
    try:
        with await dial_unix(str(path)) as connection:
            return bool((await ask(connection, Tagged(Verb.PROBE_STATUS), timeout_s=5)).fields["probes"])
    except AgentError:
        return False  # it does not listen yet


def as_user(api: RunningApi) -> dict[str, str]:
    return {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key}


async def test_an_agent_is_asked_by_its_socket_without_any_daemon(peer: GuestPeer) -> None:
    socket = ("--socket", str(peer.path))
    alive, status, text, inspected = await asyncio.gather(
        cloche("agent", "ping", *socket),
        cloche("agent", "status", *socket, "--json"),
        cloche("agent", "inspect", *socket),
        cloche("agent", "inspect", *socket, "--json"),
    )
    assert alive.code == 0 and alive.out.startswith(f"{peer.path} is alive (pong after ")
    assert status.json == {
        "name": str(peer.path),
        "worker_status": "busy",
        "last_busy_at": "2026-03-14T10:00:00Z",
        "integrations": [
            {"name": "db", "status": "active", "healthy": True, "detail": "ok", "checked_at": "10:00:03Z"},
            {"name": "new", "status": "pending", "healthy": None, "detail": None, "checked_at": None},
        ],
        "probes": [
            {"name": "disk", "healthy": True, "detail": "ok", "output": {"used": 42}, "checked_at": "10:00:01Z"},
            {"name": "swap", "healthy": False, "detail": "exit code 1", "output": None, "checked_at": "10:00:02Z"},
        ],
    }
    assert '\n  "name": ' in status.out
    assert text.out.splitlines()[:4] == [
        f"Agent          {peer.path}",
        "Worker status  busy",
        "Last busy      2026-03-14T10:00:00Z",
        "Health         2/3 ok (swap)",
    ]
    assert inspected.json["health_summary"] == {"total": 3, "healthy": 2, "summary": "2/3 ok (swap)"}


async def test_an_agent_is_asked_through_a_monitors_socket_and_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "v.sock").symlink_to("s")
    async with GuestPeer(tmp_path / "s", monitor=(b"OK 1073741824\n",)) as peer:
        assert (await cloche("agent", "ping", "--firecracker", str(tmp_path / "v.sock"))).code == 0
        assert (await cloche("agent", "ping", "--firecracker", f"{peer.path}:5252")).code == 0
    assert peer.connects == [b"CONNECT 52\n", b"CONNECT 5252\n"]


async def test_an_agent_that_is_not_there_fails_all_but_its_status(tmp_path: Path) -> None:
    nobody = ("--socket", str(tmp_path / "s"))
    ping, inspect, status, text = await asyncio.gather(
        cloche("agent", "ping", *nobody),
        cloche("agent", "inspect", *nobody),
        cloche("agent", "status", *nobody, "--json"),
        cloche("agent", "status", *nobody),
    )
    for outcome in (ping, inspect):
        assert outcome.code == 1 and outcome.out == "" and outcome.err.endswith("no such socket [agent_failed]\n")
    error = "there is no such socket"
    assert status.code == 0
    assert status.json == {"name": str(tmp_path / "s"), "worker_status": "unreachable", "error": error}
    assert text.code == 0 and text.out.splitlines()[1:] == ["Worker status  unreachable", f"Error          {error}"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "hung up without an answer"),
        ({"Error": {"message": "no\x1b[2J\nno"}}, "refused: no�[2J no"),
    ],
    ids=str,
)
async def test_an_agent_that_answers_badly_is_one_line(tmp_path: Path, answer: Any, why: str) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: answer) as peer:
        outcome = await cloche("agent", "ping", "--socket", str(peer.path))
    assert outcome.code == 1 and outcome.out == "" and outcome.err.endswith(f"{why} [agent_failed]\n")


async def test_a_program_gets_its_words_and_its_input_and_gives_its_output_and_exit_code(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: DONE) as peer:
        words = ("echo", "a b", "--timeout", "$HOME")
        ran = await cloche(
            *("agent", "exec", "--socket", str(peer.path), "--timeout", "5", "--", *words), stdin="é\n".encode()
        )
    assert (ran.code, ran.out, ran.err) == (7, "out\x1b[2J\n", "err\n")
    assert peer.requests == [{"Exec": {"argv": list(words), "stdin": "é\n", "timeout_secs": 5}}]


async def test_an_agent_that_knows_shell_text_alone_is_given_that(peer: GuestPeer) -> None:
    socket = ("--socket", str(peer.path))
    refused = await cloche("agent", "exec", *socket, "--", "ls")
    assert refused.code == 1 and "try --shell" in refused.err
    ran = await cloche("agent", "exec", *socket, "--shell", "ls | wc")
    assert ran.code == 7
    assert peer.requests[-1] == {"Exec": {"command": "ls | wc", "stdin": None, "timeout_secs": 30}}


async def test_a_program_without_an_exit_code_ends_us_with_255(tmp_path: Path) -> None:
    killed = {"ExecResult": DONE["ExecResult"] | {"exit_code": -1}}
    async with GuestPeer(tmp_path / "s", lambda _: killed) as peer:
        assert (await cloche("agent", "exec", "--socket", str(peer.path), "--shell", "kill $$")).code == 255


@pytest.mark.parametrize("closed", ["0", "1", "2"])
async def test_a_descriptor_that_was_closed_changes_no_exit_code(tmp_path: Path, closed: str) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: DONE) as peer:
        words = (sys.executable, "-m", "cloche.cli.main", "agent", "exec", "--socket", str(peer.path), "--shell", "x")
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f'exec "$@" {closed}>&-', "bash", *words),
            env=surroundings(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
    shown = {"0": (b"out\x1b[2J\n", b"err\n"), "1": (b"", b"err\n"), "2": (b"out\x1b[2J\n", b"")}
    assert (process.returncode, (out, err)) == (7, shown[closed])


async def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: DONE) as peer:
        words = (sys.executable, "-m", "cloche.cli.main", "agent", "exec", "--socket", str(peer.path), "--shell", "x")
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", 'exec "$@" >/dev/full', "bash", *words),
            env=surroundings(),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert err.decode().splitlines() == ["cloche: the output could not be written: No space left on device"]


async def test_nothing_that_a_guest_wrote_steers_a_terminal(tmp_path: Path) -> None:
    nasty = "x\x1b]0;title\x07\x9b2J\u202e\x7f"
    probe = {"name": nasty, "healthy": True, "detail": nasty, "output": [nasty], "checked_at": nasty}
    answers = WORKING | {
        "WorkerStatus": {"WorkerStatus": {"status": "idle", "last_busy_at": nasty}},
        "ProbeStatus": {"ProbeStatusReport": {"probes": [probe]}},
        "Exec": {"ExecResult": {"exit_code": 0, "stdout": f"{nasty}\r\n", "stderr": nasty}},
    }
    async with GuestPeer(tmp_path / "s", answer_from(answers)) as peer:
        socket = ("--socket", str(peer.path))
        screens = await asyncio.gather(
            cloche_on_a_terminal("agent", "inspect", *socket),
            cloche_on_a_terminal("agent", "inspect", *socket, "--json"),
            cloche_on_a_terminal("agent", "exec", *socket, "--shell", "x"),
        )
        for shown in map(bytes.decode, screens):
            assert "title" in shown
            assert all(line.isprintable() for line in shown.replace("\r\n", "\n").split("\n")), shown


async def test_our_own_agent_is_looked_into(real_agent: Path) -> None:
    at_once, like_a_monitor = ("--socket", str(real_agent)), ("--firecracker", str(real_agent))
    assert (await cloche("agent", "ping", *like_a_monitor)).code == 0
    document = (await cloche("agent", "inspect", *at_once, "--json")).json
    assert document["worker_status"] in ("idle", "busy")
    (probe,) = document["probes"]
    assert (probe["name"], probe["healthy"], probe["output"]) == ("disk", True, {"used": 42})
    words = ("printf", "%s|", "a b", "$HOME", "--", "'")
    ran = await cloche("agent", "exec", *at_once, "--", *words)
    assert (ran.code, ran.out, ran.err) == (0, "a b|$HOME|--|'|", "")
    text = await cloche("agent", "exec", *like_a_monitor, "--shell", "cat; echo no >&2; exit 9", stdin="é".encode())
    assert (text.code, text.out, text.err) == (9, "é", "no\n")
    assert (await cloche("agent", "exec", *at_once, "--shell", "kill -9 $$")).code == 255


async def test_the_way_to_put_a_machine_to_sleep_works_as_it_is_described(real_agent: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/agents.md").read_text()
    (described,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = described.replace("/srv/vm/web/v.sock", str(real_agent)) + "print(answer)\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    assert b"'success': True" in out


async def test_all_ready_sessions_are_pinged_or_those_that_are_named(api: RunningApi) -> None:
    user = as_user(api)
    none = await cloche("agent", "ping", **user)
    assert (none.code, none.out) == (0, "no session is ready\n")
    first, second = await api.session_id(), await api.session_id()
    alive = await cloche("agent", "ping", **user)
    assert alive.code == 0 and alive.out.splitlines() == [
        f"{second} is alive (pong after 1.2 ms)",
        f"{first} is alive (pong after 1.2 ms)",
    ]
    stranger = new_session_id()
    mixed = await cloche("agent", "ping", stranger, first, **user)
    assert mixed.code == 1 and mixed.out == f"{first} is alive (pong after 1.2 ms)\n"
    assert mixed.err.startswith(f"cloche: {stranger}: ") and mixed.err.endswith(" [not_found]\n")


async def test_the_status_of_all_sessions_is_a_table_or_an_array(api: RunningApi) -> None:
    user = as_user(api)
    none = await cloche("agent", "status", "--json", **user)
    assert (none.code, none.out) == (0, "[]\n")
    ready = await api.session_id()
    ended = await api.session_id()
    await api.manager.end(SessionId(ended), EndReason.IDLE_TIMEOUT)
    table, listed, one = await asyncio.gather(
        cloche("agent", "status", **user),
        cloche("agent", "status", "--json", **user),
        cloche("agent", "status", ready, "--json", **user),
    )
    heads, row = table.out.splitlines()
    assert heads.split("  ")[0] == "NAME" and heads.split()[1:] == ["STATUS", "LAST", "BUSY", "HEALTH"]
    assert row.split() == [ready, "busy", "2026-01-01T00:00:00Z", "1/2", "ok", "(search)"]
    assert listed.json == [one.json]
    assert list(one.json) == ["name", "worker_status", "last_busy_at", "integrations", "probes"]


async def test_a_session_whose_agent_does_not_answer_says_so_in_its_place(api: RunningApi) -> None:
    user, session_id = as_user(api), await api.session_id()
    api.manager.session_agent.error = AgentError("the agent hung up without an answer")
    row = {"name": session_id, "status": "error", "error": "the agent hung up without an answer"}
    listed, one, inspected = await asyncio.gather(
        cloche("agent", "status", "--json", **user),
        cloche("agent", "status", session_id, "--json", **user),
        cloche("agent", "inspect", session_id, **user),
    )
    assert listed.code == 0 and listed.json == [row]
    assert one.code == 0
    assert one.json == {"name": session_id, "worker_status": "unreachable", "error": row["error"]}
    assert inspected.code == 1


async def test_a_session_that_is_being_made_is_starting(api: RunningApi) -> None:
    api.manager.session_agent.error = ConflictError("the session is not ready")
    async with api.http(api.user_key) as client:
        await client.post("/v1/sessions?wait=false", json={})
    (row,) = (await cloche("agent", "status", "--json", **as_user(api))).json
    assert (row["status"], row["error"]) == ("starting", "the session is not ready")
    one = await cloche("agent", "status", row["name"], "--json", **as_user(api))
    assert one.code == 0 and one.json["worker_status"] == "unreachable"


async def test_a_session_or_a_server_that_is_not_there_has_no_status(api: RunningApi) -> None:
    nowhere = {"CLOCHE_URL": "http://127.0.0.1:1", "CLOCHE_KEY": "ck_x"}
    stranger, *unreached = await asyncio.gather(
        cloche("agent", "status", new_session_id(), **as_user(api)),
        cloche("agent", "status", **nowhere),
        cloche("agent", "status", new_session_id(), **nowhere),
    )
    assert stranger.code == 1 and stranger.err.endswith("[not_found]\n")
    for outcome in unreached:
        assert outcome.code == 1 and "could not reach" in outcome.err


async def test_a_session_is_inspected(api: RunningApi) -> None:
    session_id = await api.session_id()
    text, document = await asyncio.gather(
        cloche("agent", "inspect", session_id, **as_user(api)),
        cloche("agent", "inspect", session_id, "--json", **as_user(api)),
    )
    assert text.out.splitlines()[:2] == [f"Session        {session_id}", "Worker status  busy"]
    assert list(document.json) == [
        "name",
        "worker_status",
        "last_busy_at",
        "health_summary",
        "probes",
        "integrations",
    ]
    assert document.json["integrations"][0]["status"] == "error"


async def test_a_program_runs_in_a_session(api: RunningApi) -> None:
    user, session_id = as_user(api), await api.session_id()
    ran = await cloche("agent", "exec", session_id, "--timeout", "9", "--", "echo", "a b", stdin=b"in", **user)
    assert (ran.code, ran.out, ran.err) == (0, "echo\na b", "in")
    await cloche("agent", "exec", session_id, "--shell", "ls | wc", **user)
    by_argv, by_text = [request for _, request in api.manager.session_agent.executed]
    assert (by_argv.argv, by_argv.command, by_argv.stdin, by_argv.timeout_s) == (("echo", "a b"), None, "in", 9)
    assert (by_text.argv, by_text.command, by_text.stdin, by_text.timeout_s) == (None, "ls | wc", None, 30)
    api.manager.session_agent.error = DeniedError("programs run only in sessions made with `machine`")
    refused = await cloche("agent", "exec", session_id, "--", "ls", **user)
    assert refused.code == 1 and refused.out == "" and refused.err.endswith("[denied]\n")


async def test_a_session_of_a_real_daemon_is_looked_into(stub_daemon: DaemonProcess) -> None:
    admin = {"CLOCHE_URL": stub_daemon.base_url, "CLOCHE_KEY": stub_daemon.key}
    made = await cloche("session", "create", "--machine", "--json", **admin)
    assert made.code == 0, made.err
    session_id = made.json["id"]
    assert (await cloche("agent", "ping", **admin)).out.startswith(f"{session_id} is alive")
    (status,) = (await cloche("agent", "status", "--json", **admin)).json
    assert (status["name"], status["probes"], status["integrations"]) == (session_id, [], [])
    assert status["worker_status"] in ("idle", "busy")
    program = "import sys; print(sys.stdin.read(), sys.argv[1:]); sys.exit(5)"
    ran = await cloche("agent", "exec", session_id, "--", "python3", "-c", program, "a b", "$X", stdin=b"in", **admin)
    assert (ran.code, ran.out, ran.err) == (5, "in ['a b', '$X']\n", "")
