import os

import pytest

from cloche.agent.metrics import BrowserFacts, Metrics, disk_bytes, health_status
from cloche.agent.population import Population
from cloche.agent.procfs import machine_memory_bytes


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (BrowserFacts(True, True, True, 5, 0), "healthy"),
        (BrowserFacts(True, True, False, 5, 0), "degraded"),
        (BrowserFacts(True, False, False, None, 1), "unhealthy"),
        (BrowserFacts(False, False, False, None, 0), "healthy"),
    ],
    ids=["answers", "runs", "dead", "none expected"],
)
def test_health_says_whether_the_browser_answers_runs_or_is_gone(facts: BrowserFacts, status: str) -> None:
    assert health_status(facts) == status


def make_metrics(workspace: str, is_machine: bool = False) -> Metrics:
    return Metrics(
        Population(owns_namespace=False),
        workspace=workspace,
        memory_limit_bytes=64 << 20,
        browser=lambda: BrowserFacts(True, False, False, None, 0),
        worker_status=lambda: "idle",
        task_count=lambda: 3,
        is_machine=is_machine,
    )


def test_all_who_ask_within_a_second_share_one_reading_until_it_expires(tmp_path) -> None:
    metrics = make_metrics(str(tmp_path))
    first = metrics.read()
    assert metrics.read() is first
    metrics.expire()
    assert metrics.read() is not first


def test_values_are_this_sessions_own(tmp_path) -> None:
    metrics = make_metrics(str(tmp_path))
    health, values = metrics.health(), metrics.metrics()
    assert health["pid"] == os.getpid()
    assert 0 <= health["cpu_percent"] <= 100
    assert health["processes"] >= 1
    assert values["memory_total_mb"] == 64
    assert health["worker_status"] == "idle"
    assert values["goroutines"] == 3
    assert values["disk_total_mb"] == pytest.approx(disk_bytes(str(tmp_path))[1] / 2**20, abs=0.01)


def test_where_the_machine_is_the_sessions_own_its_values_are_the_machines(tmp_path) -> None:
    own, machine = make_metrics(str(tmp_path)), make_metrics(str(tmp_path), is_machine=True)
    used, total = machine_memory_bytes()
    assert machine.health()["memory_mb"] == pytest.approx(used / 2**20, rel=0.2)
    assert own.health()["memory_mb"] < machine.health()["memory_mb"] < total / 2**20
    assert machine.read().cpu_ticks > own.read().cpu_ticks
    assert 0 <= machine.health()["cpu_percent"] <= 100


def test_a_workspace_that_is_gone_counts_as_nothing() -> None:
    assert disk_bytes("/nowhere/at/all") == (0, 0)
