from pathlib import Path

from cloche.agent.checks.check import Check, CheckSpec, check_of, utc_text
from cloche.agent.checks.definitions import Integration, Probe
from cloche.agent.checks.runner import AT_ONCE, Runner
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.population import Population
from cloche.agent.procfs import read_process

from .conftest import Until


def new_check(loop: Loop, command: str | None, interval_s: float = 60, timeout_s: float = 5, **more: object) -> Check:
    runner = Runner(loop, Population(owns_namespace=False))
    return Check(loop, Log("error"), runner, CheckSpec("probe", "p", command, interval_s, timeout_s)._replace(**more))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def is_alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.is_alive


def test_a_definition_says_what_is_to_be_run() -> None:
    assert check_of(Integration("a", "cmd", 1, 2, 3)) == CheckSpec("integration", "a", "cmd", 1, 2, 3, False)
    assert check_of(Integration("a")).command is None
    assert check_of(Probe("p", "cmd", "about", 1, 2, True)) == CheckSpec("probe", "p", "cmd", 1, 2, 0, True)


def test_times_are_written_in_utc_to_the_second() -> None:
    assert utc_text(0.9) == "1970-01-01T00:00:00Z"
    assert utc_text(1735787045) == "2025-01-02T03:04:05Z"


def test_it_runs_at_once_and_then_at_every_interval(loop: Loop, tmp_path: Path, until: Until) -> None:
    runs = tmp_path / "runs"
    check = new_check(loop, f"echo run >> {runs}; [ $(wc -l < {runs}) != 2 ]", interval_s=0.05)

    def has_run(times: int) -> bool:
        return len(lines(runs)) >= times

    async def main() -> None:
        check.start()
        assert check.result is None
        for times, healthy in ((1, True), (2, False), (3, True)):
            await until(lambda times=times, healthy=healthy: has_run(times) and seen_now() is healthy)
        await loop.stop(*check.stop())

    def seen_now() -> bool | None:
        return None if check.result is None else check.result.healthy

    loop.run(main())


def test_one_that_takes_longer_than_its_interval_runs_again_right_after_and_never_twice_at_once(
    loop: Loop, tmp_path: Path, until: Until
) -> None:
    runs, inside = tmp_path / "runs", tmp_path / "inside"
    command = f"mkdir {inside} || echo twice >> {runs}; sleep 0.1; rmdir {inside}; echo run >> {runs}"
    check = new_check(loop, command, interval_s=0.01)

    async def main() -> None:
        check.start()
        await until(lambda: len(lines(runs)) >= 5)
        await loop.stop(*check.stop())

    loop.run(main())
    assert set(lines(runs)) == {"run"}


def test_stopped_it_ends_its_command_and_keeps_its_result(loop: Loop, tmp_path: Path, until: Until) -> None:
    runs = tmp_path / "runs"
    check = new_check(loop, f"echo $$ >> {runs}; [ $(wc -l < {runs}) = 1 ] || sleep 60", interval_s=0.05)

    async def main() -> None:
        check.start()
        await until(lambda: len(lines(runs)) == 2)
        before = check.result
        await loop.stop(*check.stop())
        assert not is_alive(int(lines(runs)[1]))
        assert check.result is before is not None
        assert check.stop() == []

    loop.run(main())


def test_the_grace_period_begins_at_each_start(loop: Loop) -> None:
    check = new_check(loop, None, grace_s=60)
    assert not check.is_in_grace
    check.start()
    assert check.is_in_grace
    assert check.stop() == []
    assert not new_check(loop, None).is_in_grace


# Known faults of agents for this protocol, each with what happens here instead.


def test_pitfall_1_a_hung_check_is_unhealthy_and_its_grandchildren_end_with_it(
    loop: Loop, tmp_path: Path, until: Until
) -> None:
    pids = tmp_path / "pids"
    command = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> {pids}; sleep 60' & echo $$ >> {pids}; wait; sleep 60"
    check = new_check(loop, command, timeout_s=1.0)

    async def main() -> None:
        check.start()
        await until(lambda: check.result)
        await loop.stop(*check.stop())

    loop.run(main())
    assert check.result is not None
    assert (check.result.healthy, check.result.detail) == (False, "timed out after 1 s")
    assert len(lines(pids)) == 2
    assert not any(is_alive(int(pid)) for pid in lines(pids))


def test_pitfall_2_output_larger_than_a_pipe_stalls_nothing(loop: Loop, until: Until) -> None:
    check = new_check(loop, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")

    async def main() -> None:
        check.start()
        await until(lambda: check.result)
        await loop.stop(*check.stop())

    loop.run(main())
    assert check.result is not None
    assert (check.result.healthy, check.result.detail) == (True, "ok")


def test_pitfall_2_a_grandchild_that_keeps_the_pipe_open_stops_neither_its_check_nor_others(
    loop: Loop, tmp_path: Path, until: Until
) -> None:
    command = "(trap '' TERM; exec sleep 60) & echo begun"
    holders = [new_check(loop, command, interval_s=0.05) for _ in range(AT_ONCE + 1)]

    async def main() -> None:
        for check in holders:
            check.start()
        await until(lambda: all(check.result for check in holders))
        for check in holders:
            await loop.stop(*check.stop())

    loop.run(main())
    assert all(check.result is not None and check.result.healthy for check in holders)
