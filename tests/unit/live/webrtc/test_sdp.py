from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.live.webrtc.sdp import MAX_SDP_CHARS, read_sdp

from .offers import DATA, FINGERPRINT, HEAD, OFFER, VIDEO


def test_a_browsers_offer_is_read() -> None:
    description = read_sdp(OFFER.replace("\n", "\r\n"))
    video, data = description.media
    assert description.bundle == ("0", "1")
    assert (video.kind, video.mid, video.direction, video.rtcp_mux) == ("video", "0", "recvonly", True)
    assert list(video.formats) == [96, 97, 103, 104, 107, 108, 109, 114, 35]
    assert video.formats[103].name == "h264"
    assert video.formats[103].parameters["profile-level-id"] == "42001f"
    assert video.extensions["urn:ietf:params:rtp-hdrext:sdes:mid"] == 9
    assert (video.transport.ufrag, video.transport.setup) == ("dxxU", "actpass")
    assert video.transport.fingerprints == [("sha-256", FINGERPRINT)]
    assert len(video.candidates) == 1
    assert (data.kind, data.sctp_port, data.max_message_bytes) == ("application", 5000, 262144)


def test_what_the_session_says_holds_for_sections_that_do_not() -> None:
    lines = ["a=ice-ufrag:dxxU", "a=ice-pwd:aP5kZ0fZ6tE4q2mS0xw7uF4n", f"a=fingerprint:sha-256 {FINGERPRINT}"]
    text = OFFER
    for line in lines:
        text = text.replace(line + "\n", "")
    read = read_sdp(text.replace("t=0 0\n", "t=0 0\n" + "\n".join(lines) + "\n"))
    assert {media.transport.ufrag for media in read.media} == {"dxxU"}
    assert all(media.transport.fingerprints for media in read.media)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\n",
        "garbage",
        HEAD,
        OFFER + "a=x:" + "y" * MAX_SDP_CHARS,
        OFFER + "a=x\n" * 3000,
        OFFER + DATA.replace("mid:1", "mid:2") * 3,
        OFFER + DATA,
        OFFER.replace("m=video 9", "m=video 99999"),
        OFFER.replace("m=video", "m=hologram"),
        OFFER.replace("SAVPF 96", "SAVPF 999"),
        OFFER.replace("SAVPF 96", "SAVPF -1"),
        OFFER.replace("SAVPF", "SAVPF " + "96 " * 200),
        OFFER.replace("a=ice-ufrag:dxxU", "a=ice-ufrag:d U"),
        OFFER.replace("a=ice-pwd:aP5k", "a=ice-pwd:"),
        OFFER.replace("a=mid:0", "a=mid:0 0"),
        OFFER.replace("a=mid:0", "a=mid:" + "0" * 99),
        OFFER.replace("a=setup:actpass", "a=setup:holdconn"),
        OFFER.replace("BUNDLE 0 1", "BUNDLE 0 0"),
        OFFER.replace("a=sctp-port:5000", "a=sctp-port:five"),
        OFFER + "a=candidate:x\n" * 64,
    ],
)
def test_hostile_descriptions_are_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_sdp(text)
    assert caught.value.fields == {"reason": "bad_sdp"}
    assert "session description" in caught.value.detail


def test_what_is_not_needed_is_passed_over() -> None:
    odd = ["a=rtpmap:96", "a=fmtp:nonsense", "a=extmap:x y", "a=ssrc:1", "b=AS:x", "a=", "=", "a=fingerprint:md5 AB"]
    description = read_sdp(OFFER + "\n".join(odd) + "\n")
    assert len(description.media) == 2


@given(st.text(max_size=400))
def test_any_text_is_read_or_an_invalid_error(text: str) -> None:
    for candidate in (text, OFFER + text, OFFER.replace("a=rtcp-mux", text)):
        with suppress(InvalidError):
            read_sdp(candidate)


@given(st.data())
def test_an_offer_with_any_line_spoilt_is_read_or_an_invalid_error(data: st.DataObject) -> None:
    lines = OFFER.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))] + data.draw(st.text(max_size=40))
    with suppress(InvalidError):
        read_sdp("\n".join(lines))


def test_a_video_alone_is_a_description() -> None:
    assert [media.kind for media in read_sdp(HEAD.replace("0 1", "0") + VIDEO).media] == ["video"]
