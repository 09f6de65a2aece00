"""The words of a live view."""

import pytest

from cloche.live.model import VIDEO, ClipboardPolicy, Codec, Transport


@pytest.mark.parametrize(
    ("policy", "lets_in", "lets_out"),
    [
        (ClipboardPolicy.OFF, False, False),
        (ClipboardPolicy.IN, True, False),
        (ClipboardPolicy.OUT, False, True),
        (ClipboardPolicy.BOTH, True, True),
    ],
)
def test_a_policy_says_which_way_text_may_go(policy: ClipboardPolicy, lets_in: bool, lets_out: bool):
    assert (policy.lets_in, policy.lets_out) == (lets_in, lets_out)


def test_transports_stand_in_the_order_in_which_they_are_tried():
    assert list(Transport)[:3] == [Transport.WEBRTC, Transport.WEBCODECS, Transport.JPEG]
    assert Codec.JPEG not in VIDEO
