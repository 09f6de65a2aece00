from cloche.live.webrtc.model import PeerState


def test_only_the_last_two_states_are_final() -> None:
    assert [state for state in PeerState if state.is_final] == [PeerState.FAILED, PeerState.CLOSED]
