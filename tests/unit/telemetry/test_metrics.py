import asyncio

from prometheus_client import CollectorRegistry, generate_latest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.model import EndReason, SessionStatus
from cloche.telemetry.metrics import Metrics


def series(metrics: Metrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_two_daemons_in_one_process_do_not_share_their_counts() -> None:
    one, other = Metrics(), Metrics()
    one.sessions_created.inc()

    assert series(one)["cloche_sessions_created_total"] == 1
    assert series(other)["cloche_sessions_created_total"] == 0
    assert isinstance(one.registry, CollectorRegistry)


def test_every_prepared_series_stands_at_zero_before_anything_happened() -> None:
    metrics = Metrics()
    metrics.prepare(
        statuses=SessionStatus,
        end_reasons=EndReason,
        refusal_reasons=["host_denied"],
        admission_refusals=[("busy", "memory")],
        wait_outcomes=["admitted"],
        resources=["memory"],
    )
    found = series(metrics)

    for status in SessionStatus:
        assert found[f'cloche_sessions_live{{status="{status}"}}'] == 0
    for reason in EndReason:
        assert found[f'cloche_sessions_ended_total{{reason="{reason}"}}'] == 0
    for name in (
        'cloche_egress_refusals_total{reason="host_denied"}',
        'cloche_egress_bytes_total{direction="in"}',
        'cloche_egress_bytes_total{direction="out"}',
        'cloche_admissions_refused_total{code="busy",reason="memory"}',
        'cloche_admission_waits_total{outcome="admitted"}',
        'cloche_admission_short{resource="memory"}',
    ):
        assert found[name] == 0


def test_every_series_is_named_for_cloche() -> None:
    metrics = Metrics()
    metrics.prepare(
        statuses=["x"],
        end_reasons=["x"],
        refusal_reasons=["x"],
        admission_refusals=[("x", "x")],
        wait_outcomes=["x"],
        resources=["x"],
    )

    assert all(name.startswith("cloche_") for name in series(metrics))


async def test_a_scrape_counts_the_tasks_of_the_loop_it_runs_on() -> None:
    metrics = Metrics()
    before = series(metrics)["cloche_asyncio_tasks"]
    waiting = [spawn(asyncio.Event().wait(), name=f"waiting-{number}") for number in range(3)]
    during = series(metrics)["cloche_asyncio_tasks"]
    await cancel_and_wait(*waiting)

    assert during == before + 3
    assert series(metrics)["cloche_asyncio_tasks"] == before


def test_without_a_loop_there_are_no_tasks() -> None:
    assert series(Metrics())["cloche_asyncio_tasks"] == 0
