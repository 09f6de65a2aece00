import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import BusyError, CapacityError, QuotaError
from cloche.ids import PrincipalName
from cloche.sessions.admission import Admission, AdmissionLimits

ANN, BOB = PrincipalName("ann"), PrincipalName("bob")


def book(most: int, each: int) -> Admission:
    return Admission(AdmissionLimits(max_sessions=most, max_sessions_per_principal=each))


def test_a_principal_over_its_quota_is_told_so_and_others_still_get_in() -> None:
    admission = book(10, 2)
    admission.take(ANN)
    admission.take(ANN)

    with pytest.raises(QuotaError) as caught:
        admission.take(ANN)
    assert caught.value.retry_after_s > 0
    admission.take(BOB)
    assert admission.taken == 3


def test_a_full_server_is_busy_for_everyone() -> None:
    admission = book(2, 2)
    admission.take(ANN)
    admission.take(BOB)

    assert not admission.has_room
    with pytest.raises(BusyError) as caught:
        admission.take(ANN)
    assert caught.value.retry_after_s > 0


def test_a_place_given_back_is_free_again() -> None:
    admission = book(1, 1)
    for _ in range(3):
        admission.take(ANN)
        admission.give_back(ANN)

    assert (admission.taken, admission.has_room) == (0, True)


def test_a_session_of_an_earlier_daemon_counts_but_is_never_refused() -> None:
    admission = book(1, 1)
    admission.take_back(ANN)
    admission.take_back(ANN)

    assert admission.taken == 2
    with pytest.raises(CapacityError):
        admission.take(BOB)


def test_a_closed_book_admits_no_one() -> None:
    admission = book(5, 5)
    admission.close()

    assert not admission.has_room
    with pytest.raises(BusyError):
        admission.take(ANN)


async def test_a_hundred_at_once_admit_exactly_as_many_as_there_is_room_for() -> None:
    admission = book(7, 100)

    async def ask(number: int) -> bool:
        await asyncio.sleep(0)
        try:
            admission.take(PrincipalName(f"p{number % 5}"))
        except BusyError:
            return False
        await asyncio.sleep(0)
        return True

    answers = await asyncio.gather(*(ask(number) for number in range(100)))
    assert sum(answers) == admission.taken == 7


@given(st.lists(st.tuples(st.sampled_from(["take", "back"]), st.sampled_from([ANN, BOB])), max_size=60))
def test_the_book_never_counts_past_a_limit_nor_below_nothing(steps: list[tuple[str, PrincipalName]]) -> None:
    admission, held = book(3, 2), {ANN: 0, BOB: 0}
    for step, who in steps:
        if step == "back" and held[who]:
            admission.give_back(who)
            held[who] -= 1
        elif step == "take":
            try:
                admission.take(who)
            except CapacityError:
                assert held[who] == 2 or sum(held.values()) == 3
            else:
                held[who] += 1
        assert admission.taken == sum(held.values()) <= 3
        assert max(held.values()) <= 2


def test_one_that_lies_hibernated_keeps_its_principals_place_and_none_of_the_servers() -> None:
    admission = book(1, 1)
    admission.take(ANN)
    admission.lie_down()
    assert (admission.taken, admission.has_room) == (0, True)
    with pytest.raises(QuotaError):
        admission.take(ANN)
    admission.take(BOB)
    with pytest.raises(BusyError):
        admission.get_up()
    admission.give_back(BOB)
    admission.get_up()
    assert admission.taken == 1
    admission.lie_down()
    admission.rests_no_more()
    admission.give_back(ANN)
    assert admission.taken == 0
    admission.lie_down()
    admission.close()
    with pytest.raises(BusyError):
        admission.get_up()
