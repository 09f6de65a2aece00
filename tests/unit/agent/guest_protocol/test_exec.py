"""Exec, with real commands."""

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.child import ChildOutcome
from cloche.agent.guest_protocol.exec import FAILED, MAX_AT_ONCE, answer_exec, exec_environment
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.guest_protocol.fitting import CUT
from cloche.agent.procfs import read_process
from cloche.wire.frames import MAX_FRAME_BYTES, encode_frame, encode_json

REPORTS_ITS_PID = "echo $$ > {}; exec sleep 600"


def exec_request(**fields: object) -> bytes:
    return json.dumps({"Exec": fields}).encode()


def ask(rig, **fields: object) -> dict[str, object]:
    answers: list[dict[str, object]] = []

    async def main() -> None:
        answers.append(json.loads(await rig.connect().ask(exec_request(**fields)) or b""))

    rig.run(main)
    return answers[0]


def result(rig, **fields: object) -> tuple[int, str, str]:
    said = ask(rig, **fields)["ExecResult"]
    assert list(said) == ["exit_code", "stdout", "stderr"]
    return said["exit_code"], said["stdout"], said["stderr"]


def is_alive(pid_file: Path) -> bool:
    process = read_process(int(pid_file.read_text()))
    return process is not None and process.is_alive


def test_argv_is_run_as_it_stands_and_a_command_by_the_shell(rig, make_rig) -> None:
    assert result(rig, argv=["printf", "%s\n", "a b", "$HOME", "'"]) == (0, "a b\n$HOME\n'\n", "")
    assert result(make_rig(), command="printf '%s' 'a b' | tr a x; echo no >&2; exit 7") == (7, "x b", "no\n")


def test_a_command_gets_three_variables_and_nothing_of_ours(rig, monkeypatch) -> None:
    monkeypatch.setenv("CLOCHE_ADMIN_KEY", "secret")
    monkeypatch.setenv("MESHBROW_SESSION_ID", "ses_1")
    monkeypatch.setenv("HOME", "/root")
    _, stdout, _ = result(rig, argv=[sys.executable, "-IS", "-c", "import os; print(sorted(os.environ))"])
    assert stdout == "['HOME', 'LANG', 'PATH']\n"
    assert exec_environment({"HOME": "/root", "PATH": "", "CLOCHE_X": "1"}) == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
    }


def test_large_input_and_large_output_do_not_wait_for_each_other(rig) -> None:
    text = "a\u20ac\n" * 20_000
    exit_code, stdout, _ = result(rig, argv=["cat"], stdin=text)
    assert (exit_code, stdout) == (0, text)


def test_a_command_that_cannot_be_started_failed_and_says_why(rig) -> None:
    exit_code, stdout, stderr = result(rig, argv=["/nowhere/at/all"])
    assert (exit_code, stdout) == (FAILED, "")
    assert stderr == "[could not be started: No such file or directory]"


def test_a_command_that_a_signal_ends_failed_and_says_which(rig) -> None:
    assert result(rig, command="echo on; kill -TERM $$") == (FAILED, "on\n", "[ended by signal 15]")


def test_a_command_that_takes_too_long_is_killed_with_all_it_started_and_what_it_said_is_told(rig, tmp_path) -> None:
    pid_file = tmp_path / "pid"
    command = f"echo out; echo err >&2; sh -c '{REPORTS_ITS_PID.format(pid_file)}' & wait"

    async def main() -> None:
        said = json.loads(await rig.connect().ask(exec_request(command=command, timeout_secs=1)) or b"")
        assert said == {
            "ExecResult": {"exit_code": FAILED, "stdout": "out\n", "stderr": "err\n[killed: not done within 1 s]"}
        }
        await rig.until(lambda: not is_alive(pid_file))

    rig.run(main)


def test_bytes_that_are_no_text_are_replaced(rig) -> None:
    assert result(rig, command=r"printf 'a\377b\303'") == (0, "a\ufffdb\ufffd", "")


def test_endless_output_is_cut_at_a_character_and_the_frame_is_full(rig) -> None:
    answers: list[bytes] = []
    script = "import sys; sys.stdout.write('x' + '🦜' * 25_000_000)"  # 100 MB of four bytes each

    async def main() -> None:
        answers.append(await rig.connect().ask(exec_request(argv=[sys.executable, "-IS", "-c", script])) or b"")

    rig.run(main)
    assert MAX_FRAME_BYTES - 8 < len(answers[0]) <= MAX_FRAME_BYTES
    said = json.loads(answers[0])["ExecResult"]
    assert said["exit_code"] == 0
    assert set(said["stdout"].removesuffix(CUT)) == {"x", "🦜"}


@given(st.text(max_size=50), st.integers(0, 60))
def test_a_cut_in_the_bytes_leaves_whole_characters(text: str, end: int) -> None:
    data = text.encode()[:end]
    outcome = ChildOutcome(exit_code=0, stdout=data, stdout_cut=True, stderr=data, stderr_cut=True)
    for said in (answer_exec(outcome, 30).fields["stdout"], answer_exec(outcome, 30).fields["stderr"]):
        assert said.endswith(CUT)
        assert text.startswith(said.removesuffix(CUT))


@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_outcome_is_an_answer(stdout: bytes, stderr: bytes, is_cut: bool, timed_out: bool) -> None:
    for ended in ({"exit_code": 0}, {"signal": signal.SIGKILL}, {"error": "no"}):
        outcome = ChildOutcome(
            **ended, stdout=stdout, stderr=stderr, stdout_cut=is_cut, stderr_cut=is_cut, timed_out=timed_out
        )
        answer = answer_exec(outcome, 30)
        assert (answer.fields["exit_code"] == FAILED) == ("exit_code" not in ended or timed_out)
        json.loads(encode_json(answer.value()))


def test_a_grandchild_that_keeps_the_pipe_is_not_waited_for(rig) -> None:
    assert result(rig, command="sleep 600 & echo done") == (0, "done\n", "")


def test_a_few_commands_run_at_once_and_one_more_is_refused(rig, tmp_path) -> None:
    async def main() -> None:
        clients = [rig.connect() for _ in range(MAX_AT_ONCE)]
        pids = [tmp_path / f"pid-{i}" for i in range(MAX_AT_ONCE)]
        for client, pid in zip(clients, pids, strict=True):
            await client.send(encode_frame(exec_request(command=REPORTS_ITS_PID.format(pid))))
        await rig.until(lambda: all(pid.exists() and pid.read_text() for pid in pids))
        assert rig.stand_ins.acting_now == MAX_AT_ONCE
        one_more = rig.connect()
        refusal = await one_more.ask(exec_request(command="true"))
        assert refusal == b'{"Error":{"message":"4 commands are running already"}}'
        os.kill(int(pids[0].read_text()), signal.SIGKILL)
        assert b"ended by signal 9" in (await clients[0].read() or b"")
        assert b'"exit_code":0' in (await one_more.ask(exec_request(command="true")) or b"")

    rig.run(main)
    assert rig.stand_ins.acting_now == 0


@pytest.mark.parametrize("goes_on_sending", [False, True])
def test_a_command_is_killed_when_its_host_hangs_up(rig, tmp_path, goes_on_sending: bool) -> None:
    pid_file = tmp_path / "pid"

    async def main() -> None:
        client = rig.connect()
        await client.send(encode_frame(exec_request(command=REPORTS_ITS_PID.format(pid_file))))
        if goes_on_sending:
            await client.send(encode_frame(b'"Ping"') * 10)
        await rig.until(lambda: pid_file.exists() and bool(pid_file.read_text()))
        client.sock.close()
        await rig.until(lambda: not is_alive(pid_file) and rig.stand_ins.acting_now == 0)
        assert b'"exit_code":0' in (await rig.connect().ask(exec_request(command="true")) or b"")

    rig.run(main)


def test_a_host_that_has_only_ended_its_sending_gets_its_result(rig, tmp_path) -> None:
    rig.serve_with(look_s=0)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    async def main() -> None:
        client = rig.connect()
        await client.send(encode_frame(exec_request(argv=["cat", str(fifo)])))
        client.sock.shutdown(1)
        writers: list[int] = []
        await rig.until(lambda: bool(writers) or reader_is_there(writers))
        os.write(writers[0], b"late")
        other = rig.connect()
        for _ in range(10):  # a look in each turn of the loop, and all of them must find it there
            assert await other.ask(b'"Ping"') == b'"Pong"'
        os.close(writers[0])
        assert json.loads(await client.read() or b"")["ExecResult"]["stdout"] == "late"

    def reader_is_there(writers: list[int]) -> bool:
        with suppress(OSError):  # ENXIO: nobody has opened it for reading yet
            writers.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers)

    rig.run(main)


def test_what_was_run_and_what_it_was_given_is_never_logged(rig, make_rig) -> None:
    result(rig, command="echo hush-command", stdin="hush-input")
    other = make_rig()
    other.serve_with(ExecGate(enabled=True, allowed=False, policy_file=""))
    assert "Error" in ask(other, argv=["hush-argument"])
    assert "exec ended" in rig.logged()
    assert "hush" not in rig.logged() + other.logged()
