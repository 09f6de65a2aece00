import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.live.model import VIDEO, Codec
from cloche.live.webrtc.describe import (
    Agreement,
    Ourselves,
    agree_to_answer,
    agree_to_offer,
    answer_sdp,
    offer_sdp,
)
from cloche.live.webrtc.sdp import read_sdp

from .offers import DATA, FINGERPRINT, HEAD, OFFER, TRANSPORT
from .offers import VIDEO as VIDEO_SECTION

US = Ourselves(
    ufrag="abcdef01",
    password="0123456789abcdef0123456789abcdef",
    fingerprint=FINGERPRINT,
    candidates=("f 1 udp 2130706431 93.184.215.20 40000 typ host",),
    ssrc=11,
    retransmit_ssrc=12,
    name="name",
)
AUDIO = f"m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\n{TRANSPORT}a=mid:2\na=rtcp-mux\na=recvonly\n"


def agreed(text: str, *codecs: Codec) -> Agreement:
    return agree_to_offer(read_sdp(text), codecs or VIDEO)


def test_our_order_decides_which_codec_it_is() -> None:
    assert agreed(OFFER, Codec.H264, Codec.VP8).video.codec is Codec.H264
    assert agreed(OFFER, Codec.VP8, Codec.H264).video.codec is Codec.VP8


def test_h264_is_the_one_that_our_encoder_makes_and_that_goes_in_fragments() -> None:
    route = agreed(OFFER, Codec.H264).video
    assert (route.payload_type, route.retransmit_type) == (103, 104)
    assert route.parameters["profile-level-id"] == "42001f"
    without = OFFER.replace("packetization-mode=1;profile-level-id=42001f", "packetization-mode=0")
    with pytest.raises(InvalidError) as caught:
        agreed(without, Codec.H264)
    assert caught.value.fields == {"reason": "no_common_codec"}
    assert agreed(without, Codec.H264, Codec.VP8).video.codec is Codec.VP8


def test_the_viewers_numbers_for_header_extensions_are_taken() -> None:
    assert sorted(agreed(OFFER).video.extensions.values()) == [2, 5, 9]
    assert 2 not in agreed(OFFER.replace("extmap:2 ", "extmap:15 ")).video.extensions.values()


def test_the_data_channel_is_taken_only_with_the_same_transport() -> None:
    assert agreed(OFFER).data is not None
    assert agreed(OFFER.replace("BUNDLE 0 1", "BUNDLE 0")).data is None
    assert agreed(OFFER.replace("UDP/DTLS/SCTP", "DTLS/SCTP")).data is None
    assert agreed(OFFER.replace("m=application 9", "m=application 0")).data is None


def test_the_first_of_the_bundle_says_how_the_viewer_is_reached() -> None:
    other = DATA.replace("dxxU", "other").replace("a=mid:1", "a=mid:1\na=candidate:x")
    text = HEAD.replace("BUNDLE 0 1", "BUNDLE 1 0") + other + VIDEO_SECTION
    agreement = agreed(text)
    assert agreement.remote.ufrag == "other"
    assert agreement.candidates == ["x"]
    assert agreement.mids == ("1", "0")


@pytest.mark.parametrize(
    "text",
    [
        HEAD + DATA,
        OFFER.replace("a=recvonly", "a=sendonly"),
        OFFER.replace("a=recvonly", "a=inactive"),
        OFFER.replace("m=video 9", "m=video 0"),
        OFFER.replace("a=rtcp-mux\n", ""),
        OFFER.replace("a=mid:0\n", ""),
        OFFER.replace("a=ice-ufrag:dxxU\n", ""),
        OFFER.replace("a=ice-pwd:aP5kZ0fZ6tE4q2mS0xw7uF4n\n", ""),
        OFFER.replace(f"a=fingerprint:sha-256 {FINGERPRINT}\n", ""),
        OFFER.replace("sha-256", "sha-1"),
    ],
)
def test_offers_that_cannot_be_answered(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        agreed(text)
    assert caught.value.fields == {"reason": "bad_sdp"}


def test_what_else_is_offered_is_refused_in_its_place() -> None:
    second = VIDEO_SECTION.replace("a=mid:0", "a=mid:3")
    text = HEAD.replace("BUNDLE 0 1", "BUNDLE 2 0 1 3") + AUDIO + OFFER.removeprefix(HEAD) + second
    offer = read_sdp(text)
    answer = SessionDescription.parse(answer_sdp(offer, agree_to_offer(offer, VIDEO), US))
    assert [(media.kind, media.port) for media in answer.media] == [
        ("audio", 0),
        ("video", 9),
        ("application", 9),
        ("video", 0),
    ]
    assert answer.group[0].items == ["0", "1"]
    assert [media.direction for media in answer.media] == ["inactive", "sendonly", None, "inactive"]


def test_another_implementation_reads_our_answer() -> None:
    offer = read_sdp(OFFER)
    video, data = SessionDescription.parse(answer_sdp(offer, agree_to_offer(offer, VIDEO), US)).media
    assert [codec.mimeType for codec in video.rtp.codecs] == ["video/H264", "video/rtx"]
    assert (video.dtls.role, video.ice.usernameFragment) == ("client", US.ufrag)
    assert [(one.ip, one.port) for one in video.ice_candidates] == [("93.184.215.20", 40000)]
    assert video.ice_candidates_complete
    assert not data.ice_candidates
    assert [one.ssrc for one in video.ssrc] == [11, 12]
    assert (data.sctp_port, data.sctpCapabilities.maxMessageSize) == (5000, 16384)


def test_a_viewer_that_starts_dtls_itself_is_let() -> None:
    offer = read_sdp(OFFER.replace("setup:actpass", "setup:active"))
    answer = SessionDescription.parse(answer_sdp(offer, agree_to_offer(offer, VIDEO), US))
    assert {media.dtls.role for media in answer.media} == {"server"}


def test_our_offer_is_read_by_another_implementation_and_by_us() -> None:
    text = offer_sdp([Codec.VP8, Codec.H264], US)
    video, data = SessionDescription.parse(text).media
    assert [codec.mimeType for codec in video.rtp.codecs] == ["video/VP8", "video/rtx", "video/H264", "video/rtx"]
    assert (video.direction, video.dtls.role, data.kind) == ("sendonly", "auto", "application")
    assert len(read_sdp(text).media) == 2


ANSWER = OFFER.replace("setup:actpass", "setup:active")


def test_an_answer_is_agreed_to() -> None:
    agreement = agree_to_answer(read_sdp(ANSWER), VIDEO)
    assert agreement.video.codec is Codec.H264
    assert agreement.data is not None
    refused = ANSWER.replace("m=application 9", "m=application 0")
    assert agree_to_answer(read_sdp(refused), VIDEO).data is None


@pytest.mark.parametrize(
    "text",
    [
        OFFER,
        ANSWER.replace("m=video 9", "m=video 0"),
        ANSWER.replace("a=mid:0", "a=mid:7"),
        ANSWER.replace("a=recvonly", "a=sendonly"),
        HEAD + DATA,
        HEAD + DATA + VIDEO_SECTION,
    ],
)
def test_answers_that_do_not_fit_our_offer(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        agree_to_answer(read_sdp(text), VIDEO)
    assert caught.value.fields == {"reason": "bad_sdp"}


@given(st.data())
def test_whatever_can_be_read_is_answered_in_our_own_words_or_refused(data: st.DataObject) -> None:
    lines = OFFER.splitlines()
    index = data.draw(st.integers(1, len(lines) - 1))
    spoilt = data.draw(st.text(st.characters(blacklist_characters="\r\n"), max_size=30))
    lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))] + spoilt
    try:
        offer = read_sdp("\n".join(lines))
        text = answer_sdp(offer, agree_to_offer(offer, VIDEO), US)
    except InvalidError:
        return
    assert text.isascii()
    assert all(line[1:2] == "=" for line in text.splitlines())
    SessionDescription.parse(text)
