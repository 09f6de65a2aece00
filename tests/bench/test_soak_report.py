import pytest

from side_by_side.results import Peer, Results
from soaking.readings import DAEMON_KINDS, HISTORY, limit_of
from soaking.report import BEGAN, READINGS, SESSIONS, WHO, SoakPage, grown, growth_table, growths


def soaked(**series: list[float]) -> Results:
    """Twenty readings, a daemon that was killed after the fourth; `descriptors` and the like replace what "
    "stands still."""
    made = Results("soak", {}, {"minutes": 7})
    made.peers[WHO] = Peer("Cloche", "")
    made.tried(WHO, "plain")
    for began in (0, 4):
        made.add(WHO, READINGS, BEGAN, began, "")
    flat = dict.fromkeys(("descriptors", "processes", "rows: sessions", "RSS, MiB", "PSS, MiB"), [5.0] * 20)
    for kind, values in (
        {SESSIONS: [50.0 * step for step in range(20)], "asyncio tasks": [9.0] * 20} | flat | series
    ).items():
        for value in values:
            made.add(WHO, READINGS, kind, value, "")
    return made


def test_when_nothing_grows_nothing_is_said_to() -> None:
    assert grown(growths(soaked())) == []


def test_the_daemons_own_is_judged_since_it_began_last() -> None:
    """It held twice as much until it was killed: what counts is that it grows since."""
    grows = [100.0] * 4 + [10.0 + step for step in range(16)]

    assert grown(growths(soaked(descriptors=grows))) == ["descriptors"]
    assert grown(growths(soaked(descriptors=[float(step) for step in range(4)] + [10.0] * 16))) == []


def test_the_machines_is_judged_over_the_whole_run() -> None:
    leaks = [float(step) for step in range(20)]

    assert grown(growths(soaked(processes=leaks))) == ["processes"]
    found = next(each for each in growths(soaked(processes=leaks)) if each.kind == "processes")
    assert found.slope == 20


@pytest.mark.parametrize("table", sorted(HISTORY))
def test_a_servers_history_is_told_and_not_judged(table: str) -> None:
    made = soaked(**{f"rows: {table}": [float(step) for step in range(20)]})

    assert grown(growths(made)) == []
    assert "kept on purpose" in growth_table(growths(made))


def test_a_table_that_nobody_named_is_judged() -> None:
    assert limit_of("rows: profile_leases") is not None
    assert grown(growths(soaked(**{"rows: profile_leases": [float(step) for step in range(20)]}))) == [
        "rows: profile_leases"
    ]


def test_every_kind_of_the_daemons_has_a_limit() -> None:
    assert all(limit_of(kind) is not None for kind in DAEMON_KINDS)


def test_the_page_says_what_grew_and_has_a_plot() -> None:
    made = soaked(descriptors=[10.0 + step for step in range(20)], mounts=[0.0] * 20)
    text = SoakPage().render(made)

    assert "950 sessions of one Cloche in 7 minutes" in text
    assert "| descriptors | 18 | 29 | 29 | 20.0 | 0.00 | **grew** |" in text
    assert "Never any: mounts." in text
    assert SoakPage().draw(made)["soak"].render().startswith("<svg")
