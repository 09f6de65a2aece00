import pytest

from cloche.errors import BusyError
from cloche.live.webrtc.limits import PeerLimits


def test_a_session_has_four_offers_on_their_way_and_others_are_not_kept_waiting() -> None:
    limits = PeerLimits()
    slots = [limits.take("one") for _ in range(4)]
    with pytest.raises(BusyError) as caught:
        limits.take("one")
    assert caught.value.fields == {"reason": "negotiating"}
    limits.take("two")
    slots[0].connected()
    limits.take("one")
    slots[1].release()
    limits.take("one")


def test_the_daemon_has_a_ceiling() -> None:
    limits = PeerLimits(max_peers=3, max_negotiating=9)
    slots = [limits.take("one") for _ in range(3)]
    with pytest.raises(BusyError) as caught:
        limits.take("two")
    assert caught.value.fields == {"reason": "peers_full"}
    slots[0].release()
    limits.take("two")


def test_a_slot_is_given_back_once() -> None:
    limits = PeerLimits(max_peers=1)
    slot = limits.take("one")
    for _ in range(3):
        slot.connected()
        slot.release()
    assert limits.peers == 0
    limits.take("one")
    with pytest.raises(BusyError):
        limits.take("one")


def test_a_refused_one_counts_for_nothing() -> None:
    limits = PeerLimits(max_negotiating=1)
    slot = limits.take("one")
    for _ in range(100):
        with pytest.raises(BusyError):
            limits.take("one")
    assert limits.peers == 1
    slot.release()
    assert limits.peers == 0


def test_the_sessions_of_one_owner_leave_room_for_others() -> None:
    limits = PeerLimits(max_peers=5, max_of_owner=3, max_negotiating=9)
    slots = [limits.take(f"session {number}", "ann") for number in range(3)]
    with pytest.raises(BusyError) as refused:
        limits.take("another session", "ann")
    assert refused.value.fields["reason"] == "peers_full"
    limits.take("session", "ben")
    slots[0].release()
    slots[0].release()
    limits.take("another session", "ann")
    with pytest.raises(BusyError):
        limits.take("session", "cid"), limits.take("session", "cid")
    assert limits.peers == 5
