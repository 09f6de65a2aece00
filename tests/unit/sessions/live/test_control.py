from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.live.control import Control, ControlTimes, Notice, Standing
from cloche.sessions.live.interface import ControlState

FREE, AGENT, VIEWER, TAKEN = ControlState.FREE, ControlState.AGENT, ControlState.VIEWER, ControlState.TAKEN


def a_control() -> Control:
    """`a` and `b` may act, `w` may watch."""
    control = Control()
    control.joined("a", may_control=True)
    control.joined("b", may_control=True)
    control.joined("w", may_control=False)
    return control


def test_who_acts_where_nobody_has_control_has_it_for_a_while() -> None:
    control = a_control()
    assert control.act("a", 0) == ""
    assert control.standing(0) == Standing(VIEWER, "a")
    assert control.act("a", 9) == ""
    assert control.standing(18.9) == Standing(VIEWER, "a")
    assert control.standing(19) == Standing(FREE)


def test_two_who_act_at_once_never_interleave() -> None:
    control = a_control()
    assert [control.act(who, 1) for who in "abab"] == ["", "not_holder", "", "not_holder"]
    assert control.act("b", 12) == ""
    assert control.act("a", 12) == "not_holder"


def test_who_may_only_watch_never_acts() -> None:
    control = a_control()
    assert control.act("w", 0) == "view_only"
    assert control.take("w", 0) == [Notice("w", "view_only")]
    assert control.request("w", 0) == [Notice("w", "view_only")]
    assert control.act("nobody", 0) == "view_only"
    control.act("a", 0)
    assert control.give("a", "w", 0) == [Notice("a", "view_only", "w")]
    assert control.standing(0) == Standing(VIEWER, "a")


def test_a_program_that_acts_drives_until_a_moment_after() -> None:
    control = a_control()
    control.act("a", 0)
    control.agent_began(1)
    assert control.standing(1) == Standing(AGENT)
    assert control.act("a", 1) == "agent_driving"
    control.agent_ended(100)
    assert control.act("a", 104) == "agent_driving"
    assert control.act("a", 105) == ""


def test_devtools_clients_count_as_driving() -> None:
    control = a_control()
    control.clients_are(1, 0)
    assert control.act("a", 0) == "agent_driving"
    control.clients_are(0, 1)
    assert control.act("a", 1) == ""


def test_control_that_was_taken_stays_while_programs_try() -> None:
    control = a_control()
    control.agent_began(0)
    assert control.take("a", 1) == []
    control.agent_ended(2)
    control.agent_began(3)
    assert control.standing(3) == Standing(TAKEN, "a")
    assert control.act("a", 3) == ""
    assert control.act("b", 3) == "not_holder"
    assert control.release("a", 4) == []
    assert control.standing(4) == Standing(AGENT)


def test_who_has_taken_control_and_does_nothing_has_given_it_back() -> None:
    control = a_control()
    control.take("a", 0)
    control.act("a", 100)
    assert control.standing(399) == Standing(TAKEN, "a")
    assert control.standing(400) == Standing(FREE)


def test_control_is_not_taken_from_who_is_at_work() -> None:
    control = a_control()
    control.take("a", 0)
    assert control.take("b", 29) == [Notice("b", "holder_active", "a")]
    assert control.take("b", 30) == [Notice("a", "control_taken", "b")]
    assert control.standing(30) == Standing(TAKEN, "b")


def test_who_merely_acts_can_have_control_taken_away_at_once() -> None:
    control = a_control()
    control.act("a", 0)
    assert control.take("b", 1) == [Notice("a", "control_taken", "b")]
    assert control.act("a", 1) == "not_holder"


def test_control_is_asked_for_and_given_or_refused() -> None:
    control = a_control()
    control.take("a", 0)
    assert control.request("b", 1) == [Notice("a", "control_requested", "b")]
    assert control.request("b", 1) == [], "once is enough"
    assert control.standing(1).requests == ("b",)
    assert control.refuse("a", "b", 2) == [Notice("b", "control_refused", "a")]
    assert control.refuse("a", "b", 2) == []
    control.request("b", 3)
    assert control.give("b", "b", 3) == [Notice("b", "not_holder")]
    assert control.refuse("b", "a", 3) == [Notice("b", "not_holder")]
    assert control.give("a", "nobody", 3) == []
    assert control.give("a", "b", 4) == [Notice("b", "control_given", "a")]
    assert control.standing(4) == Standing(TAKEN, "b")
    assert control.release("a", 4) == [Notice("a", "not_holder")]


def test_to_ask_nobody_is_to_take_and_a_program_cannot_be_asked() -> None:
    control = a_control()
    assert control.request("a", 0) == []
    assert control.standing(0) == Standing(TAKEN, "a")
    control.free()
    control.agent_began(1)
    assert control.request("a", 1) == [Notice("a", "agent_driving")]


def test_control_outlives_a_network_that_breaks_off_for_a_moment_only() -> None:
    control = a_control()
    control.take("a", 0)
    control.left("a", 1)
    assert control.standing(10.9) == Standing(TAKEN, "a")
    assert control.standing(11) == Standing(FREE)


def test_what_an_absent_holder_left_can_be_had_at_once() -> None:
    control = a_control()
    control.take("a", 0)
    control.left("a", 1)
    assert control.take("b", 2) == []
    control.left("b", 3)
    control.joined("c", may_control=True)
    assert control.request("c", 4) == []
    assert control.standing(60) == Standing(TAKEN, "c")


def test_who_acted_and_left_has_nothing_left() -> None:
    control = a_control()
    control.act("a", 0)
    control.request("b", 0)
    control.left("b", 0)
    assert control.standing(0) == Standing(VIEWER, "a")
    control.left("a", 0)
    assert control.standing(0) == Standing(FREE)


def test_an_owner_gives_control_whoever_has_it_and_takes_it_back() -> None:
    control = a_control()
    control.take("a", 0)
    assert control.force("b", 1) == [Notice("a", "control_taken", "b"), Notice("b", "control_given")]
    assert control.standing(1) == Standing(TAKEN, "b")
    control.free()
    assert control.standing(1) == Standing(FREE)
    assert control.may_control("w") is False and control.may_control("nobody") is None


WORDS = (
    *("join", "leave", "act", "take", "request", "give", "refuse"),
    *("release", "force", "free", "began", "ended", "clients", "wait"),
)
DEEDS = st.tuples(
    st.sampled_from(
        [
            "join",
            "leave",
            "act",
            "take",
            "request",
            "give",
            "refuse",
            "release",
            "force",
            "free",
            "began",
            "ended",
            "clients",
            "wait",
        ]
    ),
    st.sampled_from("abw"),
    st.sampled_from("abw"),
    st.floats(0, 40),
)


@given(st.lists(DEEDS, max_size=60))
def test_whatever_is_done_at_most_one_person_who_may_has_control(deeds: list[tuple[str, str, str, float]]) -> None:
    control, now, under_way, times = Control(), 0.0, 0, ControlTimes()
    present: set[str] = set()
    for deed, who, to, passed in deeds:
        now += passed
        match deed:
            case "join":
                control.joined(who, may_control=who != "w")
                present.add(who)
            case "leave":
                control.left(who, now)
                present.discard(who)
            case "act":
                refused = control.act(who, now)
                assert (refused == "") == (control.standing(now).holder == who)
            case "take":
                control.take(who, now)
            case "request":
                control.request(who, now)
            case "give":
                control.give(who, to, now)
            case "refuse":
                control.refuse(who, to, now)
            case "release":
                control.release(who, now)
            case "force" if control.may_control(who):
                control.force(who, now)
            case "free":
                control.free()
            case "began":
                control.agent_began(now)
                under_way += 1
            case "ended" if under_way:
                control.agent_ended(now)
                under_way -= 1
            case "clients":
                control.clients_are(int(passed) % 2, now)
        standing = control.standing(now)
        assert bool(standing.holder) == (standing.state in (VIEWER, TAKEN))
        assert standing.holder != "w"
        assert standing.holder not in standing.requests and set(standing.requests) <= present - {"w"}
        if standing.state is VIEWER:
            assert standing.holder in present and not under_way
    assert not control.standing(now + times.taken_idle).holder
