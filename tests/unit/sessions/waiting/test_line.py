import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.ids import PrincipalName
from cloche.sessions.waiting.line import WaitingLine

ANN, BOB, CAT = (PrincipalName(name) for name in ("ann", "bob", "cat"))


def line_of(*names: PrincipalName) -> WaitingLine[str]:
    line: WaitingLine[str] = WaitingLine()
    for number, name in enumerate(names):
        line.add(name, f"{name}{number}")
    return line


def served(line: WaitingLine[str]) -> list[str]:
    return [line.pop() for _ in range(len(line))]


def test_a_hundred_of_three_are_served_in_turn() -> None:
    line = line_of(*[ANN] * 90, *[BOB] * 7, *[CAT] * 3)
    order = [item[:3] for item in served(line)]
    assert order[:9] == ["ann", "bob", "cat"] * 3
    assert order[9:17] == ["ann", "bob"] * 4
    assert order[17:] == ["ann"] * 83


def test_of_one_principal_whoever_came_first_is_first() -> None:
    assert served(line_of(ANN, ANN, ANN)) == ["ann0", "ann1", "ann2"]


def test_who_was_served_is_behind_whoever_came_meanwhile() -> None:
    line = line_of(ANN, ANN)
    assert line.pop() == "ann0"
    line.add(BOB, "bob")
    assert served(line) == ["ann1", "bob"]


def test_who_leaves_and_comes_back_gains_nothing() -> None:
    line = line_of(ANN, BOB)
    line.remove(ANN, "ann0")
    line.add(ANN, "again")
    assert served(line) == ["bob1", "again"]


def test_only_who_waits_can_leave() -> None:
    line = line_of(ANN)
    with pytest.raises(ValueError, match="not in"):
        line.remove(BOB, "ann0")
    line.remove(ANN, "ann0")
    with pytest.raises(ValueError, match="not in"):
        line.remove(ANN, "ann0")
    with pytest.raises(IndexError):
        line.pop()


@given(st.lists(st.tuples(st.sampled_from(["add", "pop", "leave"]), st.sampled_from([ANN, BOB, CAT])), max_size=80))
def test_the_order_foretold_is_the_order_served_and_nobody_is_lost(steps: list[tuple[str, PrincipalName]]) -> None:
    line: WaitingLine[int] = WaitingLine()
    waiting: dict[int, PrincipalName] = {}
    for number, (step, who) in enumerate(steps):
        if step == "add":
            line.add(who, number)
            waiting[number] = who
        elif step == "pop" and waiting:
            foretold = next(line.in_turn())
            assert line.pop() == foretold
            del waiting[foretold]
        elif step == "leave" and who in waiting.values():
            last = [item for item, owner in waiting.items() if owner is who][-1]
            line.remove(who, last)
            del waiting[last]
        assert len(line) == len(waiting)
        assert line.count(who) == list(waiting.values()).count(who)
    foretold_all = list(line.in_turn())
    assert [line.pop() for _ in range(len(line))] == foretold_all
    assert sorted(foretold_all) == sorted(waiting)
