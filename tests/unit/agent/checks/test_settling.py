import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.checks.runner import Runner
from cloche.agent.checks.settling import Job, Settled, Settling, sum_up
from cloche.agent.checks.verdict import DETAIL_CHARACTERS
from cloche.agent.loop import Loop
from cloche.agent.population import Population

from .conftest import Until


def job(name: str, command: str, is_critical: bool = False) -> Job:
    return Job(name, command, is_critical)


def new_settling(loop: Loop, jobs: list[Job], within_s: float = 5, **options: object) -> Settling:
    runner = Runner(loop, Population(owns_namespace=False))
    return Settling(loop, runner, jobs, deadline=time.monotonic() + within_s, **options)


def test_commands_run_side_by_side_and_each_says_how_it_went(loop: Loop, tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    # Each waits for the other: one after the other they would never end.
    jobs = [
        job("a", f"touch {tmp_path}/a; while [ ! -e {tmp_path}/b ]; do sleep 0.01; done"),
        job("b", f"touch {tmp_path}/b; while [ ! -e {tmp_path}/a ]; do sleep 0.01; done; echo no >&2; exit 3"),
    ]

    async def main() -> None:
        told.append(await new_settling(loop, jobs).outcome())

    loop.run(main())
    assert told == [{"a": "", "b": "no"}]


def test_what_is_not_done_in_time_is_killed_and_has_failed(loop: Loop, tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    jobs = [job(f"hung {number}", "trap '' TERM; sleep 60") for number in range(8)] + [
        job("ninth", f"touch {tmp_path}/x")
    ]

    async def main() -> None:
        told.append(await new_settling(loop, jobs, within_s=0.3).outcome())

    loop.run(main())
    assert told == [
        {f"hung {number}": "timed out after 0.3 s" for number in range(8)} | {"ninth": "not begun within 0.3 s"}
    ]
    assert not (tmp_path / "x").exists()


def test_each_end_is_told_with_how_it_went(loop: Loop) -> None:
    ends: list[tuple[str, bool]] = []

    async def heard(one: Job, went_well: bool) -> None:
        ends.append((one.name, went_well))

    async def main() -> None:
        await new_settling(loop, [job("a", "true"), job("b", "false")], on_end=heard).outcome()

    loop.run(main())
    assert sorted(ends) == [("a", True), ("b", False)]


@pytest.mark.parametrize("by", ["cancel", "end"])
def test_ended_from_outside_no_command_is_left_and_none_has_gone_well(
    loop: Loop, tmp_path: Path, until: Until, by: str
) -> None:
    told: list[dict[str, str]] = []
    jobs = [job(name, f"touch {tmp_path}/{name}; sleep 60") for name in "ab"]

    async def main() -> None:
        settling = new_settling(loop, jobs)

        async def wait() -> None:
            told.append(await settling.outcome())

        task = loop.spawn(wait(), "wait")
        await until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())
        if by == "cancel":
            await loop.stop(task)
        else:
            settling.end()
            await task.done.wait()

    loop.run(main())
    if by == "end":
        assert told == [{"a": "it was ended with the agent's checks", "b": "it was ended with the agent's checks"}]


def test_names_are_told_in_their_order_and_the_critical_ones_apart() -> None:
    jobs = [job("a", "", True), job("b", "", True), job("c", "")]
    told = {"a": "", "x\ny": "there is no such integration", "b": "exit code 1", "c": "full"}
    assert sum_up(told, jobs) == Settled(
        failed=("x\ny", "b", "c"),
        critical=("b",),
        detail="x y: there is no such integration; b: exit code 1; c: full",
        done=("a",),
    )
    assert sum_up({}, []) == Settled()


@given(st.dictionaries(st.text(max_size=100), st.text(max_size=100).map(repr) | st.just(""), max_size=20))
def test_whatever_the_names_the_detail_is_one_short_line(told: dict[str, str]) -> None:
    settled = sum_up(told, [])
    assert len(settled.detail) <= DETAIL_CHARACTERS
    assert settled.detail.isprintable()
    assert set(settled.failed) == {name for name, why in told.items() if why}
