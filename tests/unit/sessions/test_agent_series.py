from typing import Any

from cloche.sessions.agent_readings import read_figures, read_health
from cloche.sessions.agent_series import SERIES, AgentSeries
from cloche.sessions.agent_side import LastWords
from cloche.sessions.model import EventType
from cloche.testing.clock import FakeClock
from cloche.testing.guest_answers import HEALTH, METRICS
from cloche.testing.session_world import ANN, World
from cloche.wire.messages import FromAgent

MIB = 1 << 20


def heard(clock: FakeClock, **changes: Any) -> LastWords:
    """One session's agent, after a heartbeat and metrics."""
    words, health = LastWords(clock), read_health(HEALTH | changes)
    assert health is not None
    words.hear_health(health)
    words.hear_figures(read_figures(METRICS | changes))
    return words


def collected(*words: LastWords) -> dict[tuple[str, ...], float]:
    """Every sample, by its series and its label's value."""
    families = AgentSeries(lambda: words).collect()
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_a_server_without_sessions_has_every_series_at_nothing() -> None:
    samples = collected()

    assert set(samples.values()) == {0}
    assert {name for name, *_ in samples} > {series.name for series in SERIES}
    assert len(samples) == 2 * len(SERIES) + 4 + 3 + 1


def test_figures_are_summed_and_the_largest_told(clock: FakeClock) -> None:
    one = heard(clock, cpu_percent=10, memory_used_mb=1, disk_used_mb=5, open_files=3, network_rx_mb=2, network_tx_mb=1)
    two = heard(clock, cpu_percent=30, memory_used_mb=4, disk_used_mb=1, open_files=9, network_rx_mb=0, network_tx_mb=4)
    samples = collected(one, two)

    expected = {
        "cloche_session_cpu_percent": (40, 30),
        "cloche_session_memory_bytes": (5 * MIB, 4 * MIB),
        "cloche_session_workspace_bytes": (6 * MIB, 5 * MIB),
        "cloche_session_open_files": (12, 9),
        "cloche_session_network_received_bytes": (2 * MIB, 2 * MIB),
        "cloche_session_network_sent_bytes": (5 * MIB, 4 * MIB),
    }
    assert {name: (samples[name, "sum"], samples[name, "max"]) for name in expected} == expected


def test_sessions_are_counted_by_health_and_work_and_those_that_said_nothing_as_unknown(clock: FakeClock) -> None:
    samples = collected(
        heard(clock, worker_status="busy"),
        heard(clock, status="unhealthy", worker_status="idle"),
        heard(clock, status="degraded", worker_status="nonsense"),
        LastWords(clock),
    )

    by_health = {labels[0]: value for (name, *labels), value in samples.items() if name == "cloche_sessions_by_health"}
    by_work = {
        labels[0]: value for (name, *labels), value in samples.items() if name == "cloche_sessions_by_worker_status"
    }
    assert by_health == {"healthy": 1, "degraded": 1, "unhealthy": 1, "unknown": 1}
    assert by_work == {"idle": 1, "busy": 1, "unknown": 2}


def test_the_heartbeat_that_is_oldest_tells_its_age(clock: FakeClock) -> None:
    first = heard(clock)
    clock.advance(7)
    second = heard(clock)
    clock.advance(2)

    assert collected(first, second)["cloche_oldest_heartbeat_age_seconds",] == 9


async def test_what_live_agents_say_is_in_the_metrics_and_leaves_with_their_sessions(world: World) -> None:
    session = await world.ready()
    await world.agent(session).heartbeat()
    await world.agent(session).metrics(open_files=41)
    await world.agent(session).say(FromAgent.METRICS, {"session": session.id, "open_files": 42})
    await world.agent(session).say_raw(b"nonsense\n")
    await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)
    measured = world.measured()
    assert measured['cloche_session_open_files{aggregate="max"}'] == 42
    assert measured['cloche_sessions_by_health{status="healthy"}'] == 1
    assert not [series for series in measured if session.id in series], "no series is a session's own"
    await world.manager.close(ANN, session.id)

    assert world.measured()['cloche_session_open_files{aggregate="max"}'] == 0
    assert world.measured()['cloche_sessions_by_health{status="healthy"}'] == 0
