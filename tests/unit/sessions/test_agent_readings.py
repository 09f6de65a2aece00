import json
import math
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.agent_readings import Figures, Health, read_figures, read_health
from cloche.sessions.agent_values import MAX_AMOUNT
from cloche.testing.guest_answers import HEALTH, METRICS
from cloche.wire.messages import HealthStatus, WorkerStatus

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ONE_OF_OURS = st.sampled_from([field.name for field in (*fields(Health), *fields(Figures))])
PAYLOADS = st.dictionaries(ONE_OF_OURS | st.text(max_size=8), JSON)


def test_a_plain_heartbeat_is_read_as_it_is() -> None:
    health = read_health(HEALTH)

    assert health is not None
    assert asdict(health) == HEALTH


def test_plain_metrics_are_read_as_they_are() -> None:
    assert asdict(read_figures(METRICS)) == METRICS


def test_a_heartbeat_of_the_published_protocol_has_nothing_of_ours_and_is_one() -> None:
    documented = {"status", "browser_alive", "cpu_percent", "memory_mb", "uptime_seconds", "pid"}
    health = read_health({name: HEALTH[name] for name in documented})

    assert health is not None
    assert (health.status, health.worker_status, health.browser_pid) == (
        HealthStatus.HEALTHY,
        WorkerStatus.UNKNOWN,
        None,
    )
    assert (health.processes, health.restarts, health.limit_kills) == (0, 0, 0)


@pytest.mark.parametrize("status", [None, "", "Healthy", "fine\n", 1, True, [], {}, ["healthy"]])
def test_what_does_not_say_what_the_health_is_is_no_heartbeat(status: object) -> None:
    assert read_health(HEALTH | {"status": status}) is None


@pytest.mark.parametrize("worker_status", [None, "", "BUSY", 1, True, [], {}])
def test_a_worker_status_that_there_is_not_is_unknown(worker_status: object) -> None:
    health = read_health(HEALTH | {"worker_status": worker_status})

    assert health is not None
    assert health.worker_status is WorkerStatus.UNKNOWN


@pytest.mark.parametrize("alive", [None, 1, "true", [True]])
def test_only_true_is_alive(alive: object) -> None:
    health = read_health(HEALTH | {"browser_alive": alive})

    assert health is not None
    assert health.browser_alive is False


def test_a_share_of_processors_is_at_most_all_of_them() -> None:
    assert read_figures(METRICS | {"cpu_percent": 1e9}).cpu_percent == 100


@given(PAYLOADS, st.sampled_from(HealthStatus))
def test_nothing_an_agent_says_gets_out_of_bounds(payload: dict[str, Any], status: HealthStatus) -> None:
    health, figures = read_health(payload | {"status": status}), read_figures(payload)

    assert health is not None
    for value in (*asdict(health).values(), *asdict(figures).values()):
        assert value is None or isinstance(value, str | bool | int | float)
        if isinstance(value, int | float):
            assert math.isfinite(value) and 0 <= value <= MAX_AMOUNT
    json.dumps([asdict(health), asdict(figures)], allow_nan=False)
