from hypothesis import given
from hypothesis import strategies as st

from cloche.ids import SessionId
from cloche.sessions.model import FINAL_STATUSES, SessionStatus
from cloche.sessions.reconcile import Adopt, Fail, Reap, plan
from cloche.testing.sessions import make_session

LIVE = sorted(set(SessionStatus) - FINAL_STATUSES)


def test_a_ready_session_whose_sandbox_is_left_is_adopted() -> None:
    session = make_session(status=SessionStatus.READY)

    assert plan({session.id: session}, {session.id: {"pid": 7}}) == [Adopt(session, {"pid": 7})]


def test_a_ready_session_without_a_sandbox_fails() -> None:
    session = make_session(status=SessionStatus.READY)

    assert plan({session.id: session}, {}) == [Fail(session, None)]


def test_a_session_that_was_starting_or_closing_is_not_adopted_and_its_sandbox_goes() -> None:
    for status in (SessionStatus.PENDING, SessionStatus.CLOSING):
        session = make_session(status=status)
        assert plan({session.id: session}, {session.id: {"pid": 7}}) == [Fail(session, {"pid": 7})]


def test_a_sandbox_that_no_row_wants_is_reaped() -> None:
    assert plan({}, {SessionId("ses_x"): {"pid": 7}}) == [Reap(SessionId("ses_x"), {"pid": 7})]


@given(st.dictionaries(st.integers(0, 9), st.sampled_from(LIVE)), st.sets(st.integers(0, 9)))
def test_every_row_and_every_leftover_is_decided_exactly_once(rows: dict[int, SessionStatus], left: set[int]) -> None:
    sessions = {SessionId(f"ses_{n}"): make_session(id=SessionId(f"ses_{n}"), status=s) for n, s in rows.items()}
    leftovers = {SessionId(f"ses_{n}"): {"n": n} for n in left}
    actions = plan(sessions, leftovers)

    ids = [action.session_id if isinstance(action, Reap) else action.session.id for action in actions]
    assert sorted(ids) == sorted(sessions.keys() | leftovers.keys())
    for action in actions:
        id_ = action.session_id if isinstance(action, Reap) else action.session.id
        assert action.description == leftovers.get(id_), "no sandbox may be forgotten"
