from cloche.agent.machine.process.members import members_of
from cloche.agent.procfs import Process


def process(pid: int, session: int, started: int) -> Process:
    return Process(pid, "x", "S", 1, pid, session, 0, started, 0)


def everyone(*processes: Process) -> dict[int, Process]:
    return {one.pid: one for one in processes}


def test_all_of_its_session_belong_to_it_while_it_is_there_and_afterwards() -> None:
    leader, child, stranger = process(10, 10, 100), process(11, 10, 101), process(12, 12, 101)
    assert members_of(everyone(leader, child, stranger), 10, 100) == [leader, child]
    assert members_of(everyone(child, stranger), 10, 100) == [child]
    assert members_of({}, 10, 100) == []


def test_when_its_number_is_somebody_elses_nobody_belongs_to_it() -> None:
    assert members_of(everyone(process(10, 10, 200), process(11, 10, 201)), 10, 100) == []


def test_who_began_before_it_did_is_of_an_earlier_session() -> None:
    assert members_of(everyone(process(11, 10, 99)), 10, 100) == []
