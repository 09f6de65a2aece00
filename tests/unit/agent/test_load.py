"""Load from crafted readings, and from real processes that burn a known amount of processor time."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent import load
from cloche.agent.load import Load, Work, machine_work, processors_between, session_work
from cloche.agent.metrics import BrowserFacts, Metrics, Reading
from cloche.agent.population import Population
from cloche.agent.procfs import TICKS_PER_SECOND, Process

BURNT_S = 0.2
BURNT_TICKS = BURNT_S * TICKS_PER_SECOND
BURNER = f"""
import resource, sys
while True:
    used = resource.getrusage(resource.RUSAGE_SELF)
    if used.ru_utime + used.ru_stime > {BURNT_S} + 0.02:
        break
print("burnt", flush=True)
sys.stdin.read()
"""


def process(pid: int, ticks: int) -> Process:
    return Process(pid, "p", "S", 1, pid, pid, ticks, 1, 0)


def reading(at: float, *ticks: int, own: int = 0) -> Reading:
    return Reading(at, [process(pid, t) for pid, t in enumerate(ticks, 2)], 0, 0, 0.0, own)


@given(st.floats(0.01, 1000), st.integers(0, 10**9), st.integers(-(10**6), 10**6))
def test_the_mean_is_what_was_worked_by_what_time_passed_and_never_below_nothing(
    elapsed_s: float, before: int, more: int
) -> None:
    used = processors_between(Work(5.0, before), Work(5.0 + elapsed_s, before + more))
    assert used == pytest.approx(max(0.0, more / TICKS_PER_SECOND / elapsed_s), rel=1e-6)


def test_the_agents_own_share_is_left_out() -> None:
    work = session_work(reading(7.0, 100, 200, 300, own=300))
    assert work == Work(7.0, 300)


def test_no_process_at_all_is_a_proc_that_cannot_be_read() -> None:
    assert session_work(reading(7.0)) is None


class Readings:
    """Stands in for metrics: makes these readings in order, and gives the last one to whoever takes an old one."""

    def __init__(self, *readings: Reading | OSError) -> None:
        self.to_come = list(readings)
        self._made: Reading | None = None

    def read(self, within_s: float) -> Reading:
        if self._made is not None and within_s > 0:
            return self._made
        now = self.to_come.pop(0)
        if isinstance(now, OSError):
            raise now
        self._made = now
        return now


def load_of(readings: Readings) -> Load:
    return Load(readings, Population(owns_namespace=True), owns_machine=False)  # type: ignore[arg-type]


def loads(*readings: Reading | OSError) -> list[float | None]:
    measured = load_of(Readings(*readings))
    return [measured() for _ in readings]


def test_the_first_look_measures_nothing_yet() -> None:
    assert loads(reading(1.0, 100), reading(3.0, 100 + TICKS_PER_SECOND)) == [None, 0.5]


def test_a_reading_that_a_heartbeat_has_made_is_taken_and_none_is_made_for_it() -> None:
    readings = Readings(*(reading(float(at), at * TICKS_PER_SECOND) for at in range(3)))
    measured = load_of(readings)
    assert measured() is None
    readings.read(0)  # the heartbeat
    assert measured() == 1.0
    assert len(readings.to_come) == 1


def test_who_dies_unwaited_hides_nothing_of_what_comes_after() -> None:
    died = reading(2.0, 100)
    assert loads(reading(1.0, 100, 90_000), died, reading(3.0, 100 + TICKS_PER_SECOND)) == [None, 0.0, 1.0]


def test_after_a_look_that_failed_measuring_begins_anew() -> None:
    looks = reading(1.0, 0), OSError("no"), reading(3.0, 500), reading(4.0, 500 + TICKS_PER_SECOND)
    assert loads(*looks) == [None, None, None, 1.0]


@pytest.fixture
def burn() -> Iterator[Callable[[], int]]:
    """Start a process in a session of its own that burns `BURNT_S` of processor time and then stays; return its pid."""
    burners: list[subprocess.Popen[bytes]] = []

    def start() -> int:
        burner = subprocess.Popen(
            [sys.executable, "-ISc", BURNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        burners.append(burner)
        assert burner.stdout is not None
        assert burner.stdout.readline() == b"burnt\n"
        return burner.pid

    yield start
    for burner in burners:
        burner.send_signal(signal.SIGKILL)
        burner.communicate()


def new_metrics(population: Population) -> Metrics:
    return Metrics(
        population,
        workspace="/",
        memory_limit_bytes=0,
        browser=lambda: BrowserFacts(False, False, False, None, 0),
        worker_status=lambda: "idle",
        task_count=lambda: 0,
    )


def test_what_a_browser_burns_counts_and_what_a_command_of_ours_burns_does_not(burn) -> None:
    population = Population(owns_namespace=False)
    metrics = new_metrics(population)
    before = session_work(metrics.read())
    browser, command = burn(), burn()
    population.add_browser(browser)
    population.add_own(command)
    metrics.expire()
    now = metrics.read()
    after = session_work(now)
    assert before is not None
    assert after is not None
    burnt = next(one.cpu_ticks for one in now.processes if one.pid == browser)
    assert burnt >= BURNT_TICKS
    assert after.ticks - before.ticks == burnt
    assert now.own_ticks >= BURNT_TICKS
    population.remove_own(command)
    metrics.expire()
    forgotten = session_work(metrics.read())
    assert forgotten is not None
    assert forgotten.ticks - after.ticks >= BURNT_TICKS


def test_of_a_machines_work_the_agents_own_and_its_commands_are_taken_off(burn, monkeypatch) -> None:
    monkeypatch.setattr(load, "machine_ticks", lambda: 1_000_000)  # whatever else the machine does meanwhile
    population = Population(owns_namespace=True)
    before = machine_work(population)
    spend_own_time()
    spent = machine_work(population)
    command = burn()
    population.add_own(command)
    commanded = machine_work(population)
    assert before is not None
    assert spent is not None
    assert commanded is not None
    assert before.ticks - spent.ticks >= BURNT_TICKS - 2
    assert spent.ticks - commanded.ticks >= BURNT_TICKS


def spend_own_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = used.ru_utime + used.ru_stime + BURNT_S
    while used.ru_utime + used.ru_stime < until:
        used = resource.getrusage(resource.RUSAGE_SELF)


def test_a_machine_that_cannot_be_measured_says_so(monkeypatch) -> None:
    monkeypatch.setattr(load, "machine_ticks", lambda: 0)
    population = Population(owns_namespace=True)
    measured = Load(new_metrics(population), population, owns_machine=True)
    assert [measured(), measured()] == [None, None]


def test_a_real_machine_can_be_measured() -> None:
    population = Population(owns_namespace=True)
    measured = Load(new_metrics(population), population, owns_machine=True)
    assert measured() is None
    spend_own_time()
    used = measured()
    assert used is not None
    assert 0 <= used <= 2 * (os.cpu_count() or 1)
