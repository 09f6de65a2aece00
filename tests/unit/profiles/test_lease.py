from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloche.ids import ProfileId, SessionId
from cloche.profiles.lease import Lease, Refusal, left_over, may_delete, may_save, may_take

A, B = SessionId("ses_a"), SessionId("ses_b")


def lease(session_id: SessionId, *, writes: bool) -> Lease:
    return Lease(
        profile_id=ProfileId("prf_x"), session_id=session_id, writes=writes, taken_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_any_number_may_read_beside_one_that_writes() -> None:
    held = [lease(A, writes=True), lease(SessionId("ses_c"), writes=False)]
    assert may_take(held, B, writes=False) is None
    assert may_take(held, B, writes=True) is Refusal.IN_USE
    assert may_take(held[1:], B, writes=True) is None


def test_a_session_does_not_stand_in_its_own_way() -> None:
    assert may_take([lease(A, writes=True)], A, writes=True) is None
    assert may_take([lease(A, writes=False)], A, writes=True) is None


def test_only_the_writer_saves_and_somebody_else_only_while_there_is_none() -> None:
    held = [lease(A, writes=True), lease(B, writes=False)]
    assert may_save(held, A) is None
    assert may_save(held, B) is Refusal.LOST
    assert may_save(held, None) is Refusal.IN_USE
    assert may_save(held[1:], None) is None
    assert may_save(held[1:], A) is Refusal.LOST


def test_a_profile_in_use_goes_only_by_force() -> None:
    assert may_delete([lease(B, writes=False)], force=False) is Refusal.IN_USE
    assert may_delete([lease(B, writes=False)], force=True) is None
    assert may_delete([], force=False) is None


def test_leases_of_sessions_that_are_gone_are_left_over() -> None:
    assert left_over([A, B], [B]) == [A]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans())))
def test_there_is_never_more_than_one_writer(steps: list[tuple[str, bool, bool]]) -> None:
    held: dict[SessionId, Lease] = {}
    for name, writes, gives_back in steps:
        session_id = SessionId(f"ses_{name}")
        if gives_back:
            held.pop(session_id, None)
        elif may_take(held.values(), session_id, writes=writes) is None:
            held[session_id] = lease(session_id, writes=writes)
        writers = [one.session_id for one in held.values() if one.writes]
        assert len(writers) <= 1
        assert [one for one in held if may_save(held.values(), one) is None] == writers
