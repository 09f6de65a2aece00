import socket
from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloche.agent.guest_protocol.places import MADE_ROOM, MAX_LEAVING, Peer, Places

MOST = 3


class NoSocket:
    """Remembers which way it was shut."""

    def __init__(self) -> None:
        self.shut: int | None = None

    def shutdown(self, how: int) -> None:
        self.shut = how


class PeersComeAndGo(RuleBasedStateMachine):
    """`Places` against three lists in order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(MOST)
        self.stays: dict[Peer, ExitStack] = {}
        self.phases: dict[Peer, ExitStack] = {}
        self.asking: list[Peer] = []
        self.reading: list[Peer] = []
        self.worked_on: list[Peer] = []

    @rule()
    def one_comes(self) -> None:
        peer, stack = Peer(NoSocket()), ExitStack()  # type: ignore[arg-type]
        is_full = len(self.asking) + len(self.reading) + len(self.worked_on) == MOST
        victim = (self.asking + self.reading)[0] if is_full and self.asking + self.reading else None
        has_place = stack.enter_context(self.places.taken(peer))
        assert has_place == (not is_full or victim is not None)
        if victim is not None:
            assert victim.dismissal == MADE_ROOM
            self.leave(victim)
        if has_place:
            self.stays[peer] = stack
            self.asking.append(peer)

    @precondition(lambda self: self.asking)
    @rule(data=st.data())
    def a_request_comes(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(self.asking))
        self.begin(peer, self.places.answering(peer))
        self.move(peer, self.asking, self.worked_on)

    @precondition(lambda self: self.worked_on)
    @rule(data=st.data())
    def an_answer_is_ready(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(self.worked_on))
        self.phases.pop(peer).close()
        self.begin(peer, self.places.reading(peer))
        self.move(peer, self.worked_on, self.reading)

    @precondition(lambda self: self.reading)
    @rule(data=st.data())
    def an_answer_is_read(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(self.reading))
        self.phases.pop(peer).close()
        self.move(peer, self.reading, self.asking)

    @precondition(lambda self: self.stays)
    @rule(data=st.data())
    def one_goes(self, data: st.DataObject) -> None:
        self.leave(data.draw(st.sampled_from(list(self.stays))))

    @invariant()
    def only_those_that_have_gone_were_dismissed(self) -> None:
        assert all(peer.dismissal is None for peer in self.stays)

    def begin(self, peer: Peer, phase: object) -> None:
        stack = ExitStack()
        stack.enter_context(phase)  # type: ignore[arg-type]
        self.phases[peer] = stack

    def move(self, peer: Peer, source: list[Peer], target: list[Peer]) -> None:
        source.remove(peer)
        target.append(peer)

    def leave(self, peer: Peer) -> None:
        if peer in self.phases:
            self.phases.pop(peer).close()
        self.stays.pop(peer).close()
        for peers in (self.asking, self.reading, self.worked_on):
            if peer in peers:
                peers.remove(peer)


TestPeersComeAndGo = PeersComeAndGo.TestCase
TestPeersComeAndGo.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_place_is_free_again_whatever_ended_the_stay() -> None:
    places = Places(1)
    for _ in range(3):
        with pytest.raises(OSError), places.taken(Peer(NoSocket())) as has_place:  # type: ignore[arg-type]
            assert has_place
            raise OSError
    one, two = (Peer(NoSocket()) for _ in range(2))  # type: ignore[arg-type]
    with pytest.raises(ValueError), places.taken(one), places.answering(one):
        raise ValueError
    with places.taken(two), places.reading(two):
        assert two.dismissal is None
    assert one.dismissal is None


def test_one_that_asks_can_still_be_written_to_when_it_is_dismissed_and_one_that_reads_cannot() -> None:
    places = Places(1)
    asking, reading, newcomer = (Peer(NoSocket()) for _ in range(3))  # type: ignore[arg-type]
    with places.taken(asking), places.taken(reading), places.reading(reading), places.taken(newcomer) as has_place:
        assert has_place
    assert (asking.connection.shut, reading.connection.shut) == (socket.SHUT_RD, socket.SHUT_RDWR)


def test_too_many_that_leave_push_the_first_of_them_out() -> None:
    places, peers = Places(), [Peer(NoSocket()) for _ in range(MAX_LEAVING + 2)]  # type: ignore[arg-type]
    with ExitStack() as stack:
        for peer in peers:
            stack.enter_context(places.leaving(peer))
        assert [peer.connection.shut for peer in peers[:3]] == [socket.SHUT_RDWR, socket.SHUT_RDWR, None]


def test_a_peer_that_is_gone_already_can_be_dismissed() -> None:
    ours, theirs = socket.socketpair()
    peer = Peer(ours)
    theirs.close()
    ours.close()
    peer.dismiss("why")
    assert peer.dismissal == "why"
