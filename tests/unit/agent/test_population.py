import errno
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent import population as population_module
from cloche.agent.population import Population, kill, select_members
from cloche.agent.procfs import Process, read_process


def process(pid: int, ppid: int, session: int = 0, started: int = 1) -> Process:
    return Process(pid, "p", "S", ppid, session, session, 0, started, 0)


def pids(chosen: list[Process]) -> set[int]:
    return {one.pid for one in chosen}


def test_descendants_sessions_and_the_remembered_are_chosen_and_strangers_are_not() -> None:
    everyone = {
        p.pid: p
        for p in (
            process(1, 0),
            process(10, 1),  # the agent
            process(11, 10, session=11),  # its browser
            process(12, 11),
            process(13, 12),
            process(20, 1, session=11),  # orphaned, in the browser's session
            process(21, 1, session=21, started=7),  # has left it, but was seen before
            process(22, 21),
            process(30, 1, session=30, started=8),  # a stranger with the pid of one who is gone
        )
    }
    chosen = select_members(everyone, {10, 11}, {11}, {(21, 7), (30, 1)})
    assert pids(chosen) == {10, 11, 12, 13, 20, 21, 22}


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), max_size=40), st.sets(st.integers(1, 30), max_size=3)
)
def test_any_process_table_even_with_cycles_comes_to_an_end(table: list[tuple[int, int]], roots: set[int]) -> None:
    everyone = {pid: process(pid, ppid) for pid, ppid in table}
    chosen = pids(select_members(everyone, roots, set(), set()))
    assert chosen >= roots & everyone.keys()
    assert all(pid in roots or everyone[pid].ppid in chosen for pid in chosen)


@dataclass
class Child:
    pid: int

    @classmethod
    def start(cls) -> "Child":
        pid = os.fork()
        if pid == 0:
            while True:
                signal.pause()
        return cls(pid)


def test_only_the_process_that_was_seen_is_killed() -> None:
    child = Child.start()
    try:
        seen = read_process(child.pid)
        assert seen is not None
        assert kill([seen._replace(started=seen.started + 1)]) == 0
        assert kill([seen]) == 1
    finally:
        os.kill(child.pid, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_the_agent_itself_is_a_member_and_never_a_guest() -> None:
    child = Child.start()
    try:
        population = Population(owns_namespace=False)
        assert pids(population.members()) >= {os.getpid(), child.pid}
        assert child.pid in pids(population.guests())
        assert not pids(population.guests()) & {1, os.getpid()}
    finally:
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)


def start(*argv: str) -> int:
    return os.posix_spawn(argv[0], list(argv), {"PATH": "/usr/bin:/bin"}, setsid=True)


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_what_is_in_the_session_of_a_command_of_ours_is_the_sessions_also_when_its_parent_is_gone(
    tmp_path: Path,
) -> None:
    population, written = Population(owns_namespace=False), tmp_path / "pid"
    leader = start(
        "/bin/sh", "-c", f"(sh -c 'echo $$ > {written}.new; mv {written}.new {written}; exec sleep 60' &); sleep 60"
    )
    population.add_own(leader)
    try:
        wait_until(written.exists)
        orphan = int(written.read_text())
        wait_until(lambda: (found := read_process(orphan)) is not None and found.ppid != leader)
        assert orphan in pids(population.members())
        population.kill_own(leader)
        wait_until(lambda: not is_alive(orphan))
        assert not is_alive(leader)
    finally:
        end(leader)


def test_a_service_that_a_command_has_started_outlives_browsers_and_is_forgotten_when_it_ends(tmp_path: Path) -> None:
    population, written = Population(owns_namespace=False), tmp_path / "pid"
    leader = start("/bin/sh", "-c", f"sh -c 'echo $$ > {written}.new; mv {written}.new {written}; exec sleep 60' &")
    population.add_own(leader)
    wait_until(written.exists)
    service = int(written.read_text())
    wait_until(lambda: not is_alive(leader))
    population.remove_own(leader, keeps_session=True)
    os.waitpid(leader, 0)
    browser = start("/bin/sleep", "60")
    population.add_browser(browser)
    try:
        assert service in pids(population.guests())
        population.kill_browser(browser)
        wait_until(lambda: not is_alive(browser))
        assert is_alive(service)
    finally:
        os.kill(service, signal.SIGKILL)
        end(browser)
    wait_until(lambda: read_process(service) is None)
    assert service not in pids(population.members())
    # The number of its session may come back as anybody's: from now on it protects nobody.
    assert not population._services


def test_a_program_of_the_user_outlives_browsers_and_is_no_command_of_ours() -> None:
    population = Population(owns_namespace=False)
    program, browser = start("/bin/sleep", "60"), start("/bin/sleep", "60")
    try:
        population.add_service(program)
        population.add_browser(browser)
        seen = read_process(program)
        assert seen is not None
        assert not population.is_own(seen)
        assert program in pids(population.guests())
        population.kill_browser(browser)
        wait_until(lambda: not is_alive(browser))
        assert is_alive(program)
    finally:
        end(program)
        end(browser)


def test_of_many_programs_only_those_that_are_there_are_remembered() -> None:
    population, program = Population(owns_namespace=False), start("/bin/sleep", "60")
    try:
        population.add_service(program)
        for gone in range(1 << 22, (1 << 22) + 1000):
            population.add_service(gone)
        assert program in population._services
        assert len(population._services) < 200
    finally:
        end(program)


def test_the_number_of_a_program_of_old_does_not_protect_a_browser() -> None:
    population, browser = Population(owns_namespace=False), start("/bin/sh", "-c", "timeout 60 sleep 60")
    try:
        population.add_service(browser)
        population.add_browser(browser)
        wait_until(lambda: len([one for one in population.guests() if one.session == browser]) == 3)
        rest = [one.pid for one in population.guests() if one.session == browser and one.pid != browser]
        population.kill_browser(browser)
        wait_until(lambda: not any(map(is_alive, rest)))
    finally:
        end(browser)


def test_a_long_line_of_descendants_is_looked_through_once() -> None:
    class Table(dict[int, Process]):
        looks = 0

        def values(self):
            self.looks += 1
            return super().values()

    table = Table({pid: process(pid, pid - 1) for pid in range(2, 1000)})
    assert len(select_members(table, {2}, set(), set())) == 998
    assert table.looks <= 2


def test_where_processes_cannot_be_listed_a_commands_group_is_killed_all_the_same(monkeypatch) -> None:
    def no_descriptor() -> dict[int, Process]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True)
    pidfd = os.pidfd_open(pid)
    try:
        monkeypatch.setattr(population_module, "read_processes", no_descriptor)
        Population(owns_namespace=False).kill_own(pid)
        assert select.select([pidfd], [], [], 5)[0], "it goes on"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(pidfd)
