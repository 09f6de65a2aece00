import base64
import json
import os
import signal
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloche.agent.machine.process import api, table
from cloche.agent.procfs import Process, read_process, read_processes
from cloche.testing.agent_http import Client

from .conftest import ENV, Machine, ended, spawn, status, text_of

ENDLESS = "while :; do sleep 60; done"


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


# --- exec -------------------------------------------------------------------------------------------------------------


def test_exec_tells_both_outputs_and_the_exit_code(machine: Machine) -> None:
    outcome = machine.shell("printf out; printf err >&2; exit 3")
    assert uuid.UUID(outcome.pop("process_id")).version == 4
    assert outcome.pop("duration_ms") > 0
    assert outcome == {
        "exit_code": 3,
        "signal": None,
        "timed_out": False,
        "stdout_b64": "b3V0",
        "stderr_b64": "ZXJy",
        "stdout_truncated": False,
        "stderr_truncated": False,
    }


def test_exec_tells_a_signal_by_its_number(machine: Machine) -> None:
    outcome = machine.shell("kill -TERM $$")
    assert (outcome["exit_code"], outcome["signal"]) == (None, signal.SIGTERM)


def test_exec_gives_exactly_the_sessions_environment_and_what_was_asked_for(machine: Machine) -> None:
    outcome = machine.exec("env", env={"LANG": "C", "MORE": "a b\nc"}).json
    wanted = {**ENV, "LANG": "C", "MORE": "a b\nc"}
    assert text_of(outcome) == "".join(f"{name}={value}\n" for name, value in wanted.items())


def test_a_command_is_looked_up_in_the_path_that_was_asked_for(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "mine").chmod(0o755)
    assert machine.exec("mine").json["code"] == "command_not_found"
    assert text_of(machine.exec("mine", env={"PATH": str(tmp_path)}).json) == "mine\n"


def test_arguments_and_text_beyond_ascii_arrive_as_they_stand(machine: Machine) -> None:
    args = ["a b", "$HOME", "", "ü\n日本", "-n"]
    assert text_of(machine.exec("printf", "%s|", *args).json) == "".join(f"{arg}|" for arg in args)


def test_it_stands_in_the_workspace_or_where_it_is_told(machine: Machine, tmp_path: Path) -> None:
    (machine.workspace / "deep").mkdir()
    assert text_of(machine.shell("pwd")) == f"{machine.workspace}\n"
    assert text_of(machine.shell("pwd", cwd="/workspace/deep")) == f"{machine.workspace}/deep\n"
    assert text_of(machine.shell("pwd", cwd=str(tmp_path))) == f"{tmp_path}\n"


def test_input_is_read_to_its_end_however_long_it_is(machine: Machine) -> None:
    data = b"0123456789abcdef" * 40_000
    outcome = machine.exec("/bin/cat", stdin_b64=base64.b64encode(data).decode()).json
    assert text_of(outcome).encode() == data
    assert text_of(machine.shell("cat; echo end")) == "end\n"


def test_a_program_that_does_not_want_its_input_ends_all_the_same(machine: Machine) -> None:
    assert machine.exec("/bin/true", stdin_b64="eHh4" * 100_000).json["exit_code"] == 0


def test_what_is_over_the_limit_of_output_is_cut_at_its_beginning_and_said(machine: Machine) -> None:
    outcome = machine.shell("printf 0123456789; printf abc >&2; printf ABCDE", max_output_bytes=7)
    # Each output is read for itself, so which bytes came first is not certain; that the last ones are kept is.
    kept = text_of(outcome), text_of(outcome, "stderr")
    assert len(kept[0]) + len(kept[1]) == 7
    assert "0123456789ABCDE".endswith(kept[0]) and "abc".endswith(kept[1])
    assert outcome["stdout_truncated"]
    assert outcome["stderr_truncated"] == (kept[1] != "abc")


def test_megabytes_of_output_come_whole(machine: Machine) -> None:
    outcome = machine.shell("head -c 5000000 /dev/zero; head -c 1000001 /dev/zero >&2", max_output_bytes=8 << 20)
    assert text_of(outcome) == "\0" * 5_000_000
    assert text_of(outcome, "stderr") == "\0" * 1_000_001
    assert not outcome["stdout_truncated"] and not outcome["stderr_truncated"]


def test_when_its_time_is_over_everything_it_started_is_killed_and_what_it_printed_is_told(machine: Machine) -> None:
    text = f"echo begun; {{ {ENDLESS}; }} & echo $! >&2; timeout 600 /bin/sh -c 'echo $$ >&2; {ENDLESS}'"
    outcome = machine.shell(text, timeout_sec=0.5)
    assert (outcome["timed_out"], outcome["exit_code"], outcome["signal"]) == (True, None, signal.SIGKILL)
    assert text_of(outcome) == "begun\n"
    pids = [int(line) for line in text_of(outcome, "stderr").split()]
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def test_a_stopped_program_is_killed_too_when_its_time_is_over(machine: Machine) -> None:
    outcome = machine.shell("echo begun; kill -STOP $$; echo never", timeout_sec=0.3)
    assert (outcome["timed_out"], text_of(outcome)) == (True, "begun\n")


def test_somebody_who_keeps_the_output_open_is_not_waited_for_and_stays(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.agent.machine.process.program.TAIL_S", 0.05)

    async def scenario(client: Client) -> None:
        args = ["-c", f"({ENDLESS}) & echo $!"]
        outcome = (await client.ask("POST", "/process/exec", {"command": "/bin/sh", "args": args})).json
        assert (outcome["exit_code"], outcome["timed_out"]) == (0, False)
        pid = int(text_of(outcome))
        assert is_alive(pid)
        assert machine.running == 0
        # It is the session's still, and a signal reaches it.
        killed = await client.ask("POST", f"/process/{outcome['process_id']}/kill", {"signal": "TERM"})
        assert killed.json == {"ok": True}
        await client.until(lambda: not is_alive(pid))
        again = await client.ask("POST", f"/process/{outcome['process_id']}/kill", {"signal": "TERM"})
        assert (again.status, again.code) == (409, "process_exited")

    machine.run(scenario)


def test_a_client_that_leaves_does_not_end_an_exec_and_its_output_can_be_read(machine: Machine) -> None:
    go = machine.workspace / "go"
    os.mkfifo(go)

    async def scenario(client: Client) -> None:
        connection = await client.open(
            "POST", "/process/exec", json.dumps({"command": "/bin/sh", "args": ["-c", "read x <go; echo $x"]}).encode()
        )
        await client.until(lambda: machine.running)
        connection.close()
        await client.until(lambda: all(task.done.is_set() for task in client.serving))
        await client.until(lambda: put(go, b"still here\n"))
        (listed,) = (await client.ask("GET", "/process")).json["processes"]
        await ended(client, listed["process_id"])
        events = (await client.ask("GET", f"/process/{listed['process_id']}/stdout/stream")).body
        assert b'"data_b64":"c3RpbGwgaGVyZQo="' in events

    machine.run(scenario)


def test_a_client_that_leaves_ends_an_exec_if_that_was_asked_for(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        body = {"command": "/bin/sh", "args": ["-c", ENDLESS], "kill_on_disconnect": True}
        connection = await client.open("POST", "/process/exec", json.dumps(body).encode())
        await client.until(lambda: machine.running)
        connection.close()
        await client.until(lambda: not machine.running)
        (listed,) = (await client.ask("GET", "/process")).json["processes"]
        assert (listed["state"], listed["signal"], listed["timed_out"]) == ("exited", signal.SIGKILL, False)

    machine.run(scenario)


BAD = {
    "no command": ({}, "invalid_request", "command"),
    "an empty command": ({"command": ""}, "invalid_request", "command"),
    "a command of a wrong type": ({"command": 1}, "invalid_request", "command"),
    "a NUL": ({"command": "a\0b"}, "invalid_request", "command"),
    "half a character": ({"command": "\ud800"}, "invalid_request", "command"),
    "half a character in a name": ({"command": "true", "env": {"\udcff": ""}}, "invalid_request", "env"),
    "an argument of a wrong type": ({"command": "true", "args": [1]}, "invalid_request", "args"),
    "too many arguments": ({"command": "true", "args": [""] * 1025}, "invalid_request", "args"),
    "an environment with an =": ({"command": "true", "env": {"a=b": ""}}, "invalid_request", "env"),
    "a relative directory": ({"command": "true", "cwd": "x"}, "invalid_request", "cwd"),
    "no such directory": ({"command": "true", "cwd": "/workspace/no"}, "not_found", "cwd"),
    "a file as a directory": ({"command": "true", "cwd": "/etc/passwd"}, "not_a_directory", "cwd"),
    "too long a directory": ({"command": "true", "cwd": "/" + "x" * 4000}, "name_too_long", "cwd"),
    "a time below zero": ({"command": "true", "timeout_sec": -1}, "invalid_request", "timeout_sec"),
    "too long a time": ({"command": "true", "timeout_sec": 3601}, "invalid_request", "timeout_sec"),
    "input that is not base64": ({"command": "true", "stdin_b64": "?"}, "invalid_request", "stdin_b64"),
    "too much output": ({"command": "true", "max_output_bytes": 1 << 25}, "invalid_request", "max_output_bytes"),
    "root": ({"command": "true", "as_root": True}, "no_such_user", "as_root"),
    "a user that is not there": ({"command": "true", "as_user": "somebody"}, "no_such_user", "as_user"),
    "a user and root": ({"command": "true", "as_user": "guest", "as_root": True}, "invalid_request", "as_user"),
    "no such command": ({"command": "no-such-command"}, "command_not_found", "command"),
    "no such file": ({"command": "/no/such/file"}, "command_not_found", "command"),
    "a file that may not be run": ({"command": "/etc/passwd"}, "not_executable", "command"),
    "a directory": ({"command": "/etc"}, "not_executable", "command"),
    "more than the kernel takes": ({"command": "true", "args": ["x" * 131_072]}, "invalid_request", "args"),
}


@pytest.mark.parametrize("route", ["exec", "spawn"])
@pytest.mark.parametrize(("body", "code", "field"), BAD.values(), ids=BAD)
def test_what_cannot_be_run_is_refused_with_the_field_that_is_wrong(
    machine: Machine, route: str, body: dict[str, Any], code: str, field: str
) -> None:
    reply = machine.once("POST", f"/process/{route}", body)
    if route == "spawn" and field == "stdin_b64":
        assert reply.status == 200  # it is exec's alone
        return
    assert (reply.status, reply.code, reply.json.get("field")) == (400, code, field)


@pytest.mark.parametrize("user", ["guest", str(os.getuid()), f"{os.getuid()}:{os.getgid()}"])
def test_the_sessions_own_user_may_be_named(machine: Machine, user: str) -> None:
    assert machine.exec("true", as_user=user, as_root=False).json["exit_code"] == 0


def test_nulls_are_as_good_as_nothing(machine: Machine) -> None:
    names = ("args", "cwd", "env", "as_user", "as_root", "timeout_sec", "stdin_b64", "kill_on_disconnect")
    body = {"command": "true", **dict.fromkeys(names)}
    assert machine.once("POST", "/process/exec", body).json["exit_code"] == 0
    spawn_names = ("allocate_tty", "rows", "cols", "timeout_sec")
    assert machine.once("POST", "/process/spawn", {"command": "true", **dict.fromkeys(spawn_names)}).status == 200


# --- spawn and status -------------------------------------------------------------------------------------------------


def test_spawn_answers_at_once_and_the_status_tells_the_rest(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        body = {"command": "/bin/sh", "args": ["-c", "read x; exit 7"]}
        spawned = (await client.ask("POST", "/process/spawn", body)).json
        assert set(spawned) == {"process_id", "pid", "started_at"}
        started_at = datetime.fromisoformat(spawned["started_at"])
        assert abs(datetime.now(UTC) - started_at) < timedelta(seconds=30)
        assert machine.api.pids() == {spawned["pid"]: spawned["process_id"]}
        found = await status(client, spawned["process_id"])
        assert found.pop("mem_bytes") > 10_000
        assert found.pop("cpu_seconds") >= 0
        assert found.pop("cpu_pct") >= 0
        assert found == spawned | {
            "command": "/bin/sh",
            "args": ["-c", "read x; exit 7"],
            "args_count": 2,
            "state": "running",
            "exit_code": None,
            "signal": None,
            "timed_out": False,
            "exited_at": None,
            "tty": False,
            "output_bytes": 0,
            "output_kept_from": 0,
        }
        sent = await client.ask("POST", f"/process/{spawned['process_id']}/stdin", {"data_b64": "Cg=="})
        assert sent.json == {"written_bytes": 1}
        found = await ended(client, spawned["process_id"])
        assert (found["state"], found["exit_code"], found["mem_bytes"]) == ("exited", 7, 0)
        assert datetime.fromisoformat(found["exited_at"]) >= started_at
        assert machine.api.pids() == {}

    machine.run(scenario)


def test_processor_time_is_that_of_all_that_the_program_started(machine: Machine) -> None:
    burn = (
        "import os,time\npid=os.fork()\nwhile time.process_time() < 0.3: pass\nprint(pid, flush=True)\ntime.sleep(60)"
    )

    async def scenario(client: Client) -> None:
        body = {"command": sys.executable, "args": ["-c", burn]}
        id_ = (await client.ask("POST", "/process/spawn", body)).json["process_id"]
        while (found := await status(client, id_))["cpu_seconds"] < 0.58:  # two of them, counted in ticks
            await client.loop.sleep(0.02)
        assert found["cpu_pct"] > 0
        await client.ask("POST", f"/process/{id_}/kill", {"signal": "KILL"})
        assert (await ended(client, id_))["cpu_seconds"] >= found["cpu_seconds"]

    machine.run(scenario)


def test_the_processor_time_of_one_that_has_ended_is_told_exactly(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
        found = await ended(client, id_)
        assert 0.001 < found["cpu_seconds"] < 5
        assert (await status(client, id_))["cpu_seconds"] == found["cpu_seconds"]

    machine.run(scenario)


def test_a_spawned_program_whose_time_is_over_is_killed(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        found = await ended(client, await spawn(client, ENDLESS, timeout_sec=0.1))
        assert (found["timed_out"], found["signal"]) == (True, signal.SIGKILL)

    machine.run(scenario)


def test_the_list_holds_the_running_and_the_ended_in_the_order_of_their_start(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        first, second = await spawn(client, ENDLESS), await spawn(client, "exit 0")
        await ended(client, second)
        listed = (await client.ask("GET", "/process")).json["processes"]
        assert [(one["process_id"], one["state"]) for one in listed] == [(first, "running"), (second, "exited")]

    machine.run(scenario)


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "status"),
        ("GET", "stdout/stream"),
        ("GET", "attach"),
        ("POST", "stdin"),
        ("POST", "kill"),
        ("POST", "resize"),
    ],
)
def test_a_process_that_is_not_there_is_not_found(machine: Machine, method: str, route: str) -> None:
    reply = machine.once(method, f"/process/{uuid.uuid4()}/{route}", {} if method == "POST" else None)
    assert (reply.status, reply.code) == (404, "no_such_process")


def test_only_so_many_run_at_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_RUNNING", 2)

    async def scenario(client: Client) -> None:
        first, _ = await spawn(client, ENDLESS), await spawn(client, ENDLESS)
        refused = await client.ask("POST", "/process/exec", {"command": "true"})
        assert (refused.status, refused.code) == (429, "busy")
        await client.ask("POST", f"/process/{first}/kill", {"signal": "KILL"})
        await ended(client, first)
        assert (await client.ask("POST", "/process/exec", {"command": "true"})).status == 200

    machine.run(scenario)


def test_nothing_is_started_once_the_session_ends(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        pid = (await status(client, await spawn(client, ENDLESS)))["pid"]
        await machine.api.stop()
        assert not is_alive(pid)
        refused = await client.ask("POST", "/process/spawn", {"command": "true"})
        assert (refused.status, refused.code) == (409, "session_ending")

    machine.run(scenario)


# --- stdin ------------------------------------------------------------------------------------------------------------


def test_three_bytes_of_input_are_taken_and_the_program_that_wanted_them_ends(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "exec dd bs=1 count=3 2>/dev/null")
        sent = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "YWJj"})
        assert (sent.status, sent.json) == (200, {"written_bytes": 3})
        assert (await ended(client, id_))["exit_code"] == 0
        late = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "YWJj"})
        assert (late.status, late.code) == (409, "process_exited")

    machine.run(scenario)


def test_the_end_of_input_is_told_and_nothing_more_is_taken_after_it(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "cat; echo over; read x <&3; sleep 60")
        sent = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "YQo=", "eof": True})
        assert sent.json == {"written_bytes": 2}
        late = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": ""})
        assert late.json == {"written_bytes": 0}
        late = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "YQ=="})
        assert (late.status, late.code) == (409, "stdin_closed")

    machine.run(scenario)


def test_input_that_is_not_read_is_taken_as_far_as_it_fits(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_STDIN_S", 0.05)

    async def scenario(client: Client) -> None:
        id_ = await spawn(client, ENDLESS)
        sent = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "eHh4" * 100_000, "eof": True})
        assert 0 < sent.json["written_bytes"] < 300_000
        again = await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "eHh4"})
        assert again.json == {"written_bytes": 0}

    machine.run(scenario)


@pytest.mark.parametrize("body", [{}, {"data_b64": 1}, {"data_b64": "?"}, {"data_b64": "YQ==", "eof": 1}])
def test_input_that_is_none_is_refused(machine: Machine, body: dict[str, Any]) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, ENDLESS)
        refused = await client.ask("POST", f"/process/{id_}/stdin", body)
        assert (refused.status, refused.code) == (400, "invalid_request")

    machine.run(scenario)


# --- kill -------------------------------------------------------------------------------------------------------------


def members_of(session: int) -> list[Process]:
    return [process for process in read_processes().values() if process.session == session]


def test_kill_reaches_the_whole_group_and_what_has_a_group_of_its_own_in_the_session(machine: Machine) -> None:
    text = f"timeout 600 /bin/sh -c '{ENDLESS}' & ({ENDLESS})"

    async def scenario(client: Client) -> None:
        for name in ("TERM", "KILL"):
            id_ = await spawn(client, text)
            pid = (await status(client, id_))["pid"]
            await client.until(lambda pid=pid: len({process.group for process in members_of(pid)}) == 2)
            await client.until(lambda pid=pid: len(members_of(pid)) >= 5)
            members = members_of(pid)
            assert (await client.ask("POST", f"/process/{id_}/kill", {"signal": name})).json == {"ok": True}
            found = await ended(client, id_)
            assert found["signal"] == signal.Signals[f"SIG{name}"]
            await client.until(lambda members=members: not any(is_alive(process.pid) for process in members))

    machine.run(scenario)


def test_a_program_can_be_stopped_and_continued(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "exec cat")
        pid = (await status(client, id_))["pid"]
        await client.ask("POST", f"/process/{id_}/kill", {"signal": "STOP"})
        await client.until(lambda: read_process(pid).state == "T")  # type: ignore[union-attr]
        await client.ask("POST", f"/process/{id_}/kill", {"signal": "CONT"})
        await client.until(lambda: read_process(pid).state == "S")  # type: ignore[union-attr]

    machine.run(scenario)


@pytest.mark.parametrize("name", ["SEGV", "SIGTERM", "term", "", "9", 9, None, ["TERM"]])
def test_a_signal_that_is_not_in_the_list_is_refused(machine: Machine, name: object) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, ENDLESS)
        refused = await client.ask("POST", f"/process/{id_}/kill", {"signal": name})
        assert (refused.status, refused.code, refused.json["field"]) == (400, "invalid_request", "signal")
        assert (await status(client, id_))["state"] == "running"

    machine.run(scenario)


# --- terminals --------------------------------------------------------------------------------------------------------


def test_a_terminal_is_of_the_size_asked_for_and_can_be_resized(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        text = "stty size; trap 'stty size; exit 0' WINCH; echo $TERM; while :; do read x; done"
        id_ = await spawn(client, text, allocate_tty=True, rows=30, cols=100)
        assert (await status(client, id_))["tty"]
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        printed = ""
        async for event in connection.events():
            if event.get("event") == "exit":
                break
            assert event["stream"] == "stdout"
            printed += text_of({"stdout_b64": event["data_b64"]})
            if printed == "30 100\r\nxterm-256color\r\n":
                resized = await client.ask("POST", f"/process/{id_}/resize", {"rows": 7, "cols": 65535})
                assert resized.json == {"ok": True}
        assert printed == "30 100\r\nxterm-256color\r\n7 65535\r\n"
        late = await client.ask("POST", f"/process/{id_}/resize", {"rows": 7, "cols": 7})
        assert (late.status, late.code) == (409, "process_exited")

    machine.run(scenario)


def test_the_end_of_input_on_a_terminal_is_a_character(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "stty -echo; echo ready; cat; echo over", allocate_tty=True)
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        await connection.until(b"cmVhZHk")
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "aGkK", "eof": True})
        assert (await ended(client, id_))["exit_code"] == 0
        printed = "".join([text_of({"stdout_b64": e["data_b64"]}) async for e in connection.events() if "stream" in e])
        assert printed == "ready\r\nhi\r\nover\r\n"

    machine.run(scenario)


def test_a_terminals_output_is_whole_when_its_program_ends_at_once(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "head -c 100000 /dev/zero | tr '\\0' x", allocate_tty=True)
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        events = [event async for event in connection.events()]
        assert sum(len(text_of({"stdout_b64": e["data_b64"]})) for e in events[:-1]) == 100_000
        assert events[-1]["event"] == "exit"

    machine.run(scenario)


def test_a_program_that_lets_go_of_its_terminal_for_a_while_keeps_it(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "exec </dev/null >/dev/null 2>&1; sleep 0.05; echo back >/dev/tty", allocate_tty=True)
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        events = [event async for event in connection.events()]
        assert [event.get("data_b64") for event in events] == ["YmFjaw0K", None]
        assert events[-1]["exit_code"] == 0

    machine.run(scenario)


def test_a_program_on_pipes_has_no_size_and_no_term(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        id_ = await spawn(client, "echo ${TERM-none}; sleep 60")
        refused = await client.ask("POST", f"/process/{id_}/resize", {"rows": 1, "cols": 1})
        assert (refused.status, refused.code) == (409, "not_a_terminal")
        connection = await client.open("GET", f"/process/{id_}/stdout/stream")
        await connection.until(b"bm9uZQo=")

    machine.run(scenario)


@pytest.mark.parametrize("side", [0, -1, 65536, 1.5, "1", True])
@pytest.mark.parametrize("name", ["rows", "cols"])
def test_a_size_out_of_range_is_refused(machine: Machine, name: str, side: object) -> None:
    async def scenario(client: Client) -> None:
        body = {"command": "sh", "allocate_tty": True, "rows": 1, "cols": 1, name: side}
        refused = await client.ask("POST", "/process/spawn", body)
        assert (refused.status, refused.code, refused.json["field"]) == (400, "invalid_request", name)
        id_ = await spawn(client, ENDLESS, allocate_tty=True)
        refused = await client.ask("POST", f"/process/{id_}/resize", {"rows": 1, "cols": 1, name: side})
        assert (refused.status, refused.json["field"]) == (400, name)
        refused = await client.ask("POST", f"/process/{id_}/resize", {})
        assert (refused.status, refused.json["field"]) == (400, "rows")

    machine.run(scenario)


def put(fifo: Path, data: bytes) -> bool:
    """Give those that read a fifo some bytes and the end of it; false when nobody reads it at the moment."""
    try:
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    with open(fd, "wb", buffering=0) as file:
        file.write(data)
    return True
