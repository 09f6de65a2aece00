from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.loop import Loop
from cloche.agent.machine.parts.tree import owners, program, program_parts, rows, stamp, started_at_of
from cloche.agent.procfs import Process, read_processes

PIDS = st.integers(1, 30)


def process(pid: int, ppid: int = 1, session: int = 0) -> Process:
    return Process(pid, f"p{pid}", "S", ppid, session, session, 100, 0, 0)


def everyone(*processes: Process) -> dict[int, Process]:
    return {each.pid: each for each in processes}


def test_a_process_belongs_to_its_nearest_forebear_or_else_to_its_session() -> None:
    there = everyone(
        process(1, 0),
        process(2, 1, 2),  # the agent
        process(10, 2, 10),  # the browser
        process(11, 10, 10),
        process(12, 1, 10),  # its zygote, whose parent is gone
        process(20, 2, 20),  # a program
        process(21, 20, 21),  # and what it has started, in a session of its own
        process(22, 21, 21),
        process(30, 1, 30),  # a daemon that belongs to nobody any more
        process(31, 2, 31),  # a check of the agent's
    )
    found = owners(there, {2: "agent", 10: "browser", 20: "process:x"})
    assert found == {
        **dict.fromkeys((2, 31), "agent"),
        **dict.fromkeys((10, 11, 12), "browser"),
        **dict.fromkeys((20, 21, 22), "process:x"),
    }


@given(st.dictionaries(PIDS, st.tuples(PIDS, PIDS)), st.dictionaries(PIDS, st.sampled_from("ab")))
def test_however_parents_point_every_process_has_one_owner_or_none(links, roots) -> None:
    there = {pid: process(pid, ppid, session) for pid, (ppid, session) in links.items()}
    found = owners(there, roots)
    assert found.keys() <= there.keys()
    assert all(found[pid] == roots[pid] for pid in roots if pid in there)


def test_rows_are_by_pid_and_name_their_part() -> None:
    told = []

    async def main() -> None:
        told.extend(await rows(loop, [process(20), process(3)], {20: "browser"}))

    loop = Loop(lambda _name, error: told.append(repr(error)))
    loop.run(main())
    assert [(row["pid"], row["part"]) for row in told] == [(3, None), (20, "browser")]
    assert told[0].keys() == {"pid", "ppid", "name", "state", "cpu_seconds", "memory_mb", "part"}


def test_a_program_that_is_gone_meanwhile_is_no_part() -> None:
    (part,) = program_parts({20: "x", 21: "y"}, everyone(process(20)))
    assert (part["name"], part["state"], part["pid"], part["restarts"]) == (program("x"), "running", 20, 0)


def test_the_start_of_a_process_is_told_in_utc() -> None:
    oldest = min(read_processes().values(), key=lambda each: each.started)
    since = datetime.now(UTC) - datetime.fromtimestamp(started_at_of(oldest), UTC)
    assert timedelta(0) <= since < timedelta(days=36500)
    assert stamp(0.25) == "1970-01-01T00:00:00.250Z"
