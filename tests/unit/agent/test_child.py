"""Real commands on the real loop. What one leaves behind (processes, zombies, descriptors) fails any test here."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent import child
from cloche.agent.child import ChildOutcome, ChildSpec, run_child
from cloche.agent.loop import Event, Loop
from cloche.agent.population import Population
from cloche.agent.procfs import read_process

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "MARK": "exactly this"}
PATIENCE_S = 5.0
ENDLESS = "while :; do sleep 60; done"

FAILURES: list[str] = []


def new_loop() -> Loop:
    return Loop(lambda name, error: FAILURES.append(f"{name}: {error!r}"))


@pytest.fixture(autouse=True)
def no_task_fails() -> Iterator[None]:
    FAILURES.clear()
    yield
    assert not FAILURES


def shell(text: str, **changes: object) -> ChildSpec:
    return ChildSpec(("/bin/sh", "-c", text), PATIENCE_S, ENV)._replace(**changes)


def run(spec: ChildSpec, population: Population | None = None) -> ChildOutcome:
    outcomes: list[ChildOutcome] = []
    loop = new_loop()

    async def main() -> None:
        outcomes.append(await run_child(loop, spec, population or Population(owns_namespace=False)))

    loop.run(main())
    return outcomes[0]


async def until(loop: Loop, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        await loop.sleep(0.005)


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


def goes_away(pid: int) -> bool:
    """Whether it ends: a SIGKILL was sent, and the kernel takes its time."""
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_alive(pid)


def put(fifo: Path, data: bytes) -> bool:
    """Give those that read a fifo some bytes and the end of it; false when nobody reads it at the moment."""
    try:
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    with open(fd, "wb", buffering=0) as file:
        file.write(data)
    return True


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_output_exit_code_and_processor_time_are_told() -> None:
    outcome = run(shell("echo out; echo err >&2; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 3"))
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert (outcome.exit_code, outcome.signal, outcome.error) == (3, None, "")
    assert not outcome.timed_out and not outcome.succeeded
    assert outcome.cpu_seconds > 0


def test_a_signal_is_told_by_its_number() -> None:
    outcome = run(shell("kill -TERM $$"))
    assert (outcome.exit_code, outcome.signal, outcome.error) == (None, signal.SIGTERM, "")


def test_it_gets_exactly_the_environment_that_was_given_and_arguments_as_they_stand() -> None:
    assert run(ChildSpec(("env",), PATIENCE_S, ENV)).stdout.decode().splitlines() == [
        f"{k}={v}" for k, v in ENV.items()
    ]
    assert run(ChildSpec(("printf", "%s|", "a b", "$HOME", ""), PATIENCE_S, ENV)).stdout == b"a b|$HOME||"


def test_it_gets_three_pipes_and_no_descriptor_or_ignored_signal_of_ours() -> None:
    ours = {target for fd in os.listdir("/proc/self/fd") if (target := link(f"/proc/self/fd/{fd}")).startswith("pipe:")}
    reading, writing = os.pipe()
    try:
        opened = link(f"/proc/self/fd/{reading}")
        listed = run(shell("readlink /proc/$$/fd/*; grep SigIgn /proc/self/status")).stdout.decode().split()
    finally:
        os.close(reading)
        os.close(writing)
    assert opened not in listed
    assert len({target for target in listed if target.startswith("pipe:")} - ours) == 3
    assert int(listed[-1], 16) & 0x7FFFFFFF == 0  # the first 31; the C library keeps 32 and 33 to itself


def test_no_input_is_an_empty_one() -> None:
    assert run(shell("cat; echo end")).stdout == b"end\n"


def test_input_and_output_larger_than_any_pipe_flow_at_once() -> None:
    data = os.urandom(3_000_000)
    outcome = run(shell("cat; cat /dev/null >&2", stdin=data, max_output_bytes=len(data)))
    assert outcome.stdout == data
    assert outcome.succeeded and not outcome.stdout_cut


def test_input_that_is_not_wanted_is_no_error() -> None:
    assert run(shell("head -c 5; exec 0<&-; echo", stdin=b"x" * 3_000_000)).stdout == b"xxxxx\n"
    assert run(shell("exit 4", stdin=b"x" * 3_000_000)).exit_code == 4


@settings(max_examples=25)
@given(st.binary(max_size=5000), st.integers(0, 6000))
def test_of_each_output_the_beginning_is_kept_and_the_rest_thrown_away(data: bytes, limit: int) -> None:
    outcome = run(shell("tee /dev/stderr", stdin=data, max_output_bytes=limit))
    assert outcome.succeeded
    assert outcome.stdout == outcome.stderr == data[:limit]
    assert outcome.stdout_cut == outcome.stderr_cut == (len(data) > limit)


def test_a_flood_beyond_the_limit_neither_blocks_the_command_nor_is_kept() -> None:
    outcome = run(shell("head -c 20000000 /dev/zero; echo done >&2", max_output_bytes=1000))
    assert outcome.succeeded
    assert len(outcome.stdout) == 1000 and outcome.stdout_cut
    assert outcome.stderr == b"done\n" and not outcome.stderr_cut


def test_at_the_timeout_the_command_is_killed_and_that_is_no_success() -> None:
    outcome = run(shell(f"trap '' TERM; echo begun; {ENDLESS}", timeout_s=0.5))
    assert outcome.timed_out and not outcome.succeeded
    assert (outcome.exit_code, outcome.signal, outcome.error) == (None, signal.SIGKILL, "")
    assert outcome.stdout == b"begun\n"


def test_grandchildren_end_at_the_timeout_whatever_group_or_session_they_have_made(tmp_path: Path) -> None:
    written = tmp_path / "pids"
    child = "trap '' TERM; echo $$ >> $1; while :; do sleep 60; done"
    text = f"""
        sh -c '{child}' - {written} &
        timeout 60 sh -c '{child}' - {written} &
        setsid sh -c '{child}' - {written} &
        while [ "$(wc -l < {written})" -lt 3 ]; do sleep 0.01; done
        echo all
        sleep 60
    """
    outcome = run(shell(text, timeout_s=1.5))
    assert outcome.stdout == b"all\n"
    pids = [int(pid) for pid in written.read_text().split()]
    assert len(pids) == 3
    assert all(goes_away(pid) for pid in pids)


def test_a_grandchild_that_holds_the_pipes_is_not_waited_for_and_goes_with_the_command(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    text = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {written}; sleep 60' & while [ ! -s {written} ]; do :; done"
    outcome = run(shell(f"{text}; echo begun"))
    assert outcome.succeeded
    assert outcome.stdout == b"begun\n"
    assert goes_away(int(written.read_text()))


def test_what_a_command_that_keeps_its_group_has_started_lives_on_and_can_go_on_writing(tmp_path: Path) -> None:
    loop, population = new_loop(), Population(owns_namespace=False)
    go, went = tmp_path / "go", tmp_path / "went"
    os.mkfifo(go)
    service = f"read line < {go}; head -c 300000 /dev/zero && echo $line > {went}"
    alive: list[bool] = []

    async def main() -> None:
        outcome = await run_child(loop, shell(f"({service}) & echo $!", keeps_group=True), population)
        assert outcome.succeeded
        pid = int(outcome.stdout)
        alive.append(is_alive(pid))
        assert pid in {process.pid for process in population.members()}
        await until(loop, lambda: put(go, b"on\n"))
        await until(loop, lambda: went.exists() and went.read_text() == "on\n")
        await until(loop, lambda: not is_alive(pid))

    loop.run(main())
    assert alive == [True]


def test_a_timeout_ends_also_a_command_that_keeps_its_group(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    outcome = run(shell(f"sh -c 'echo $$ > {written}; sleep 60' & wait", keeps_group=True, timeout_s=1.0))
    assert outcome.timed_out
    assert goes_away(int(written.read_text()))


def test_while_it_runs_it_is_the_sessions_and_no_browsers(tmp_path: Path) -> None:
    loop, population = new_loop(), Population(owns_namespace=False)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    outcomes: list[ChildOutcome] = []

    async def command() -> None:
        outcomes.append(await run_child(loop, shell(f"echo $$ > {ready}; read line < {ready}; exit 5"), population))

    async def main() -> None:
        task = loop.spawn(command(), "command")
        await loop.sleep(0)
        pid = int(ready.read_text())
        assert pid in {process.pid for process in population.members()}
        browser = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True)
        population.add_browser(browser)
        population.kill_browser(browser)
        os.waitpid(browser, 0)
        await until(loop, lambda: put(ready, b"go\n"))
        await task.done.wait()

    loop.run(main())
    assert outcomes[0].exit_code == 5


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("/nonexistent/program",), "No such file or directory"),
        (("no-such-program-anywhere",), "No such file or directory"),
        (("",), "No such file or directory"),
        (("/etc/passwd",), "Permission denied"),
        (("/etc",), "Permission denied"),
        (("/bin/echo", "x" * 3_000_000), "Argument list too long"),
        ((), "there is nothing to run"),
        (("/bin/echo", "a\0b"), "embedded null byte"),
    ],
    ids=["path", "name", "empty name", "no program", "directory", "too long", "nothing", "NUL"],
)
def test_what_cannot_be_started_is_an_outcome(argv: tuple[str, ...], error: str) -> None:
    outcome = run(ChildSpec(argv, PATIENCE_S, ENV))
    assert outcome.error == error
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (None, None, False)


def test_a_text_that_is_no_program_and_a_name_that_cannot_be_encoded_are_outcomes(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo no interpreter named\n")
    script.chmod(0o755)
    assert run(ChildSpec((str(script),), PATIENCE_S, ENV)).error == "Exec format error"
    assert "encode" in run(ChildSpec(("/bin/echo", "\ud800"), PATIENCE_S, ENV)).error
    assert run(ChildSpec(("/bin/echo",), PATIENCE_S, {"a=b": "c"})).error


@pytest.mark.parametrize("spare", range(9))
def test_out_of_descriptors_is_an_outcome_too(spare: int) -> None:
    loop, before, outcomes = new_loop(), descriptors(), []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main() -> None:
        highest = max(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))
        fillers = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
        try:
            while True:
                try:
                    fillers.append(os.dup(0))
                except OSError:
                    break
            for filler in fillers[len(fillers) - spare :]:
                os.close(filler)
            del fillers[len(fillers) - spare :]
            outcomes.append(await run_child(loop, shell("exit 6"), Population(owns_namespace=False)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for filler in fillers:
                os.close(filler)

    loop.run(main())
    (outcome,) = outcomes
    if spare < 7:  # three pipes and a pidfd
        assert outcome.error == "Too many open files"
    else:
        assert outcome.exit_code == 6
    assert descriptors() <= before


@pytest.mark.parametrize("cancels", [1, 2])
@pytest.mark.parametrize("turns", range(7))
@pytest.mark.parametrize("stdin", [b"", b"x" * 200_000], ids=["no input", "input"])
def test_cancelled_at_any_turn_nothing_of_it_is_left(turns: int, cancels: int, stdin: bytes) -> None:
    loop, population, before = new_loop(), Population(owns_namespace=False), descriptors()
    left: list[object] = []

    async def command() -> None:
        await run_child(loop, shell(f"echo begun; (sleep 60) & {ENDLESS}", stdin=stdin), population)
        left.append("it was not cancelled")

    async def main() -> None:
        before = descriptors()
        task = loop.spawn(command(), "command")
        for _ in range(turns):
            await loop.sleep(0)
        for _ in range(cancels):
            task.cancel()
            await loop.sleep(0)
        await task.done.wait()
        left.extend(process for process in population.guests() if process.ppid == os.getpid() and not process.is_alive)
        assert descriptors() == before

    loop.run(main())
    assert not left
    assert descriptors() < before  # the loop's own is gone as well


def cancel_when(holds: Callable[[], bool], spec: ChildSpec) -> None:
    """Cancel a command as soon as something holds, twice."""
    loop = new_loop()

    async def command() -> None:
        await run_child(loop, spec, Population(owns_namespace=False))

    async def main() -> None:
        before = descriptors()
        task = loop.spawn(command(), "command")
        await until(loop, holds)
        task.cancel()
        await loop.sleep(0)
        task.cancel()
        await task.done.wait()
        assert descriptors() == before

    loop.run(main())


def test_cancelled_while_it_waits_for_last_words_nothing_of_it_is_left(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    zombie = []

    def has_ended() -> bool:
        if not mark.exists():
            return False
        zombie.append(read_process(int(mark.read_text() or 0)))
        return zombie[-1] is not None and not zombie[-1].is_alive

    cancel_when(has_ended, shell(f"sleep 60 & echo $$ > {mark}.new; mv {mark}.new {mark}"))
    assert zombie[-1] is not None


def test_cancelled_with_its_group_to_be_kept_what_runs_goes_all_the_same(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"sh -c 'echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 60' & {ENDLESS}"
    cancel_when(mark.exists, shell(text, keeps_group=True))
    assert goes_away(int(mark.read_text()))


def test_the_end_of_the_loop_ends_its_commands() -> None:
    loop = new_loop()

    async def command() -> None:
        await run_child(loop, shell(ENDLESS), Population(owns_namespace=False))

    async def main() -> None:
        for turns in range(4):
            loop.spawn(command(), "command")
            for _ in range(turns):
                await loop.sleep(0)

    loop.run(main())
    assert loop.task_count == 0


def test_other_tasks_get_their_turns_while_a_command_floods() -> None:
    loop, turns = new_loop(), []

    async def command(over: Event) -> None:
        await run_child(loop, shell("yes", timeout_s=60), Population(owns_namespace=False))

    async def main() -> None:
        task = loop.spawn(command(Event(loop)), "flood")
        for turn in range(20):
            await loop.sleep(0.001)
            turns.append(turn)
        await loop.stop(task)

    loop.run(main())
    assert len(turns) == 20


def test_many_at_once_each_have_their_own_outcome() -> None:
    loop, codes = new_loop(), {}
    population = Population(owns_namespace=False)

    def one(number: int) -> Coroutine[object, object, None]:
        async def command() -> None:
            outcome = await run_child(loop, shell(f"echo {number}; exit {number}"), population)
            codes[number] = (outcome.exit_code, outcome.stdout)

        return command()

    async def main() -> None:
        for task in [loop.spawn(one(number), "one") for number in range(30)]:
            await task.done.wait()

    loop.run(main())
    assert codes == {number: (number, b"%d\n" % number) for number in range(30)}


def test_a_program_is_looked_up_in_the_given_path_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, ours = (tmp_path / name for name in ("first", "second", "ours"))
    for directory in (first, second, ours):
        directory.mkdir()
        (directory / "tool").write_text(f"#!/bin/sh\necho {directory.name}\n")
    (second / "tool").chmod(0o755)
    (ours / "tool").chmod(0o755)
    monkeypatch.setenv("PATH", str(ours))
    monkeypatch.chdir(ours)
    assert run(ChildSpec(("tool",), PATIENCE_S, {"PATH": f":.:ours:{first}:{second}"})).stdout == b"second\n"
    assert run(ChildSpec(("tool",), PATIENCE_S, {"PATH": str(first)})).error == "Permission denied"
    assert run(ChildSpec(("tool",), PATIENCE_S, {"PATH": ":."})).error == "No such file or directory"
    assert run(ChildSpec(("./tool",), PATIENCE_S, {})).stdout == b"ours\n"


def test_a_process_that_ignores_its_children_learns_no_exit_code_and_says_so() -> None:
    program = (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from cloche.agent.child import ChildSpec, run_child\n"
        "from cloche.agent.loop import Loop\n"
        "from cloche.agent.population import Population\n"
        "loop = Loop(lambda name, error: print(error))\n"
        "async def main():\n"
        "    spec = ChildSpec(('/bin/true',), 5, {})\n"
        "    outcome = await run_child(loop, spec, Population(owns_namespace=False))\n"
        "    print(outcome.exit_code, outcome.error, outcome.succeeded)\n"
        "loop.run(main())\n"
    )
    outcome = run(ChildSpec((sys.executable, "-c", program), 20, dict(os.environ)))
    assert outcome.stdout == b"None No child processes False\n"


class Held(Population):
    """As if the kernel held on to whatever is killed: a file system that does not answer."""

    def kill_own(self, pid: int) -> None:
        """Nothing happens."""


def test_one_that_cannot_be_killed_holds_up_nobody_and_is_reaped_when_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_KILLED_WITHIN_S", 0.05)
    monkeypatch.setattr(child, "_GONE_WITHIN_S", 0.05)
    loop, population = new_loop(), Held(owns_namespace=False)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    outcomes: list[ChildOutcome] = []
    spec = shell(f"echo $$; read line < {fifo}", timeout_s=0.5)

    async def cancelled() -> None:
        # It prints nothing: its outputs are closed, and it must not end of that.
        await run_child(loop, shell(f"read line < {fifo}", timeout_s=60), population)

    async def main() -> None:
        before = descriptors()
        task = loop.spawn(cancelled(), "cancelled")
        await loop.sleep(0)
        task.cancel()
        await task.done.wait()
        outcomes.append(await run_child(loop, spec, population))
        assert descriptors() == before + 2  # a pidfd for each

        def released() -> bool:
            put(fifo, b"")
            return descriptors() == before

        await until(loop, released)

    loop.run(main())
    (outcome,) = outcomes
    assert (outcome.signal, outcome.timed_out, outcome.succeeded) == (signal.SIGKILL, True, False)
    assert not is_alive(int(outcome.stdout))
