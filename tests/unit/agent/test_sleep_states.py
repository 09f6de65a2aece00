"""Every walk through the states: what was put to rest is brought back, once, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloche.agent.sleep_states import Move, Next, Sign, State, after


class Walk(RuleBasedStateMachine):
    """A sleeper that does nothing but keep count of what its moves would have put to rest and brought back."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.AWAKE
        self.is_draining = False
        self.is_restoring = False
        self.drains = 0
        self.wakes = 0

    def take(self, sign: Sign) -> Move:
        self.state, move = after(self.state, sign)
        match move:
            case Move.DRAIN:
                assert not self.is_draining
                assert not self.is_restoring
                self.is_draining, self.drains = True, self.drains + 1
            case Move.GIVE_UP_DRAIN:
                assert self.is_draining
                self.is_draining, self.is_restoring, self.wakes = False, True, self.wakes + 1
            case Move.RESTORE:
                assert not self.is_draining
                assert not self.is_restoring
                self.is_restoring, self.wakes = True, self.wakes + 1
            case Move.JOIN | Move.WAIT:
                assert self.is_draining or self.is_restoring
            case Move.FRESHEN:
                assert self.drains == self.wakes
        return move

    @rule()
    def host_asks_for_sleep(self) -> None:
        move = self.take(Sign.SLEEP)
        assert move is not Move.NOTHING or self.state is State.ASLEEP
        assert move is not Move.JOIN or self.is_draining

    @rule()
    def host_wakes(self) -> None:
        move = self.take(Sign.WAKE)
        assert self.state in (State.AWAKE, State.WAKING)
        assert move is not Move.NOTHING or self.state is State.AWAKE

    @rule()
    def machine_is_resumed(self) -> None:
        self.take(Sign.RESUMED)
        assert self.state in (State.AWAKE, State.WAKING)

    @precondition(lambda self: self.is_draining)
    @rule(is_ready=st.booleans())
    def drain_ends(self, is_ready: bool) -> None:
        self.is_draining = False
        self.take(Sign.READY if is_ready else Sign.REFUSED)
        assert self.state is (State.ASLEEP if is_ready else State.WAKING)

    @precondition(lambda self: self.is_restoring)
    @rule()
    def restore_ends(self) -> None:
        self.is_restoring = False
        self.take(Sign.DONE)
        assert self.state is State.AWAKE

    @invariant()
    def the_state_says_what_is_being_done(self) -> None:
        assert self.is_draining == (self.state is State.DRAINING)
        assert self.is_restoring == (self.state is State.WAKING)

    @invariant()
    def each_drain_is_followed_by_one_wake(self) -> None:
        assert self.drains - self.wakes == (self.state in (State.DRAINING, State.ASLEEP))

    def teardown(self) -> None:
        """Whatever happened, a wake leads back to being awake."""
        self.take(Sign.WAKE)
        if self.is_restoring:
            self.restore_ends()
        assert self.state is State.AWAKE


TestWalk = Walk.TestCase


@given(st.sampled_from(State))
def test_an_end_that_comes_too_late_changes_nothing(state: State) -> None:
    for sign, its_state in ((Sign.READY, State.DRAINING), (Sign.REFUSED, State.DRAINING), (Sign.DONE, State.WAKING)):
        if state is not its_state:
            assert after(state, sign) == Next(state, Move.NOTHING)
