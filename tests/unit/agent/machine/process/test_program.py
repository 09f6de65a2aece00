"""What is hard to see through the requests: ends of every kind, and what is left after them."""

import os
import select
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from cloche.agent.loop import Loop
from cloche.agent.machine.process.program import Program, ProgramSpec
from cloche.agent.machine.process.ring import Store, Stream
from cloche.agent.population import Population
from cloche.agent.procfs import read_process, read_processes
from cloche.testing.agent_http import Client

from .conftest import ENV, Machine

PATIENCE_S = 5.0
FAILURES: list[str] = []


@pytest.fixture(autouse=True)
def no_task_fails() -> Iterator[None]:
    FAILURES.clear()
    yield
    assert not FAILURES


def new_loop() -> Loop:
    return Loop(lambda name, error: FAILURES.append(f"{name}: {error!r}"))


def start(loop: Loop, text: str, population: Population | None = None, **changes: object) -> Program:
    spec = ProgramSpec(("/bin/sh", "-c", text), ENV, "/", kept_bytes=1 << 20)._replace(**changes)
    population = population or Population(owns_namespace=False)
    return Program(loop, population, spec, "an-id", Store(1 << 30), lambda program: None)


def run(scenario: Callable[[Loop], Awaitable[None]]) -> None:
    loop = new_loop()

    async def main() -> None:
        await scenario(loop)

    loop.run(main())


def text_of(program: Program, stream: Stream = Stream.STDOUT) -> str:
    found, offset = b"", program.ring.start
    while (piece := program.ring.read(offset, 1 << 20)) is not None:
        offset = piece.end
        found += piece.data if piece.stream is stream else b""
    return found.decode()


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


async def settled(program: Program) -> Program:
    await program.settled.wait(time.monotonic() + PATIENCE_S)
    return program


async def until(loop: Loop, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        await loop.sleep(0.002)


def test_its_end_is_told_once_and_what_it_printed_last_is_there() -> None:
    async def scenario(loop: Loop) -> None:
        program = start(loop, "head -c 60000 /dev/zero | tr '\\0' x; echo end >&2; exit 9")
        assert program.is_running
        await settled(program)
        assert (program.exit_code, program.signal, program.has_timed_out) == (9, None, False)
        assert text_of(program) == "x" * 60_000
        assert text_of(program, Stream.STDERR) == "end\n"
        assert program.tail == program.ring.end == 60_004
        assert 0 < program.duration_s < PATIENCE_S

    run(scenario)


def test_what_leaves_its_session_is_killed_with_it_as_long_as_it_descends_from_it() -> None:
    async def scenario(loop: Loop) -> None:
        program = start(loop, "setsid sh -c 'echo $$; exec sleep 60' & wait")
        await until(loop, lambda: text_of(program).endswith("\n"))
        away = int(text_of(program))
        await until(loop, lambda: (found := read_process(away)) is not None and found.session == away)
        program.kill(signal.SIGKILL)
        await until(loop, lambda: not is_alive(away))
        await settled(program)

    run(scenario)


def test_one_that_is_stopped_in_the_moment_of_its_start_leaves_nothing_open() -> None:
    async def scenario(loop: Loop) -> None:
        before = len(os.listdir("/proc/self/fd"))
        program = start(loop, "sleep 60")
        program.stop({})
        await settled(program)
        assert program.signal == signal.SIGKILL
        assert len(os.listdir("/proc/self/fd")) == before

    run(scenario)


def test_when_the_loop_ends_it_is_killed_and_reaped() -> None:
    pids: list[int] = []

    async def scenario(loop: Loop) -> None:
        programs = [start(loop, "trap '' TERM HUP INT; echo; sleep 60"), start(loop, "sleep 60", window=(1, 1))]
        await until(loop, lambda: text_of(programs[0]))
        pids.extend(program.pid for program in programs)

    run(scenario)
    assert not any(pid in read_processes() for pid in pids)


def test_listeners_are_told_of_output_and_of_the_end_and_leave_nothing() -> None:
    async def scenario(loop: Loop) -> None:
        program = start(loop, "echo one; read x; exit 0")
        with program.listening() as first, program.listening() as second:
            while not program.ring.end:
                await first.next(time.monotonic() + PATIENCE_S)
            await program.stdin.write(b"\n", None)
            while not program.settled.is_set():
                await second.next(time.monotonic() + PATIENCE_S)
        assert not program._readers

    run(scenario)


def test_arguments_are_not_kept_beyond_what_is_shown() -> None:
    async def scenario(loop: Loop) -> None:
        program = start(loop, "exit 0", argv=("/bin/sh", "-c", "exit 0", "x" * 100_000))
        assert (program.command, program.args, program.args_count) == ("/bin/sh", ["-c", "exit 0"], 3)
        await settled(program)

    run(scenario)


class Held(Population):
    """As if the kernel held on to whatever is killed: a file system that does not answer."""

    def kill_own(self, pid: int) -> None:
        """Nothing happens."""


def test_one_that_cannot_be_killed_is_running_still_and_has_timed_out() -> None:
    async def scenario(loop: Loop) -> None:
        program = start(loop, "read x; exit 3", Held(owns_namespace=False), timeout_s=0.02)
        await until(loop, lambda: program.has_timed_out)
        assert program.is_running
        await program.stdin.write(b"\n", None)
        await settled(program)
        assert (program.exit_code, program.has_timed_out) == (3, True)

    run(scenario)


def test_an_exec_of_one_that_cannot_be_killed_is_answered_all_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.agent.machine.process.api._KILLED_WITHIN_S", 0.05)
    monkeypatch.setattr("cloche.agent.machine.process.api.TAIL_S", 0.05)
    monkeypatch.setattr(Population, "kill_own", lambda self, pid: None)
    go = machine.workspace / "go"
    os.mkfifo(go)

    async def scenario(client: Client) -> None:
        args = ["-c", "echo begun; read x <go; exit 3"]
        outcome = (
            await client.ask("POST", "/process/exec", {"command": "/bin/sh", "args": args, "timeout_sec": 0.05})
        ).json
        assert (outcome["timed_out"], outcome["exit_code"], outcome["signal"]) == (True, None, None)
        assert outcome["stdout_b64"] == "YmVndW4K"
        assert machine.running == 1
        await client.until(lambda: put_end(go))
        await client.until(lambda: not machine.running)

    machine.run(scenario)


def put_end(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_where_children_are_ignored_its_end_is_known_and_its_status_is_not() -> None:
    text = (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from cloche.agent.loop import Loop\n"
        "from cloche.agent.population import Population\n"
        "from cloche.agent.machine.process.program import Program, ProgramSpec\n"
        "from cloche.agent.machine.process.ring import Store\n"
        "loop = Loop(lambda name, error: print(name, error))\n"
        "async def main():\n"
        "    spec = ProgramSpec(('/bin/sh', '-c', 'echo x; read y'), {}, '/', kept_bytes=100)\n"
        "    program = Program(loop, Population(owns_namespace=False), spec, 'i', Store(1000), lambda p: None)\n"
        "    await program.stdin.write(b'\\n', None)\n"
        "    await program.settled.wait()\n"
        "    print(program.exit_code, program.signal, program.is_running, program.ring.end)\n"
        "loop.run(main())\n"
    )

    async def scenario(loop: Loop) -> None:
        program = start(loop, "", argv=(sys.executable, "-c", text), env=dict(os.environ))
        await program.settled.wait(time.monotonic() + 20)
        assert text_of(program) == "None None False 2\n", text_of(program, Stream.STDERR)

    run(scenario)


def test_the_end_of_one_that_another_traces_is_learnt_once_that_has_let_go_of_it() -> None:
    seized, let_go = os.pipe(), os.pipe()
    tracer = (
        "import ctypes, os, sys; pid, told, until = map(int, sys.argv[1:]); "
        "assert ctypes.CDLL(None).ptrace(0x4206, pid, None, None) == 0; os.write(told, b'x'); os.read(until, 1)"
    )

    async def scenario(loop: Loop) -> None:
        program = start(loop, "read line; exit 7")
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", tracer, str(program.pid), "98", "99"],
            ENV,
            file_actions=[(os.POSIX_SPAWN_DUP2, seized[1], 98), (os.POSIX_SPAWN_DUP2, let_go[0], 99)],
        )
        os.close(seized[1])
        try:
            if os.read(seized[0], 1) != b"x":
                program.kill(signal.SIGKILL)
                await program.settled.wait(time.monotonic() + PATIENCE_S)
                pytest.skip("nothing may be traced here")
            await program.stdin.end(None)
            assert select.select([program._pidfd], [], [], PATIENCE_S)[0]
            for _ in range(3):  # it has seen the end now
                await loop.sleep(0)
            assert program.is_running
            assert os.wait4(program.pid, os.WNOHANG)[0] == 0
        finally:
            os.write(let_go[1], b"x")
            os.waitpid(child, 0)
        await settled(program)
        assert (program.exit_code, program.signal) == (7, None)

    try:
        run(scenario)
    finally:
        for fd in (seized[0], *let_go):
            os.close(fd)


@pytest.mark.parametrize("window", [None, (24, 80)])
def test_a_program_gets_three_descriptors_and_nothing_of_the_agents(window: tuple[int, int] | None) -> None:
    # What whoever runs the tests has left open for them; the agent shuts it off at its start.
    left = {name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}
    left = {name for name in left if os.get_inheritable(int(name))}

    async def scenario(loop: Loop) -> None:
        program = await settled(start(loop, "ls /proc/$$/fd; true", window=window))
        assert set(text_of(program).split()) == {"0", "1", "2"} | left

    run(scenario)
