from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.model import Codec
from cloche.live.webrtc.payloads import MAX_PAYLOAD_BYTES, h264_payloads, nal_units, payloads_of, vp8_payloads

START = b"\0\0\0\1"


@given(frame=st.binary(min_size=1, max_size=9000), picture_id=st.integers(0, 1 << 20))
def test_a_vp8_frame_comes_out_as_it_went_in(frame: bytes, picture_id: int) -> None:
    payloads = vp8_payloads(frame, picture_id)
    parsed = [VpxPayloadDescriptor.parse(payload) for payload in payloads]
    assert b"".join(rest for _, rest in parsed) == frame
    assert [head.partition_start for head, _ in parsed] == [1] + [0] * (len(payloads) - 1)
    assert {head.picture_id for head, _ in parsed} == {picture_id % (1 << 15)}
    assert max(map(len, payloads)) <= MAX_PAYLOAD_BYTES


# A NAL unit: not forbidden, of a type that a single unit may have, no start code inside, no zero at its end.
UNITS = st.tuples(st.integers(1, 23), st.integers(0, 3), st.integers(1, 4000), st.integers(1, 255)).map(
    lambda parts: bytes([parts[1] << 5 | parts[0]]) + bytes([parts[3]]) * parts[2]
)


@given(st.lists(UNITS, min_size=1, max_size=12))
def test_h264_comes_out_as_it_went_in(units: list[bytes]) -> None:
    frame = b"".join(START + unit for unit in units)
    payloads = h264_payloads(frame)
    assert b"".join(map(h264_depayload, payloads)) == frame
    assert max(map(len, payloads)) <= MAX_PAYLOAD_BYTES


def test_parameter_sets_travel_together_and_a_large_picture_in_fragments() -> None:
    sps, pps, idr = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65" + b"\x88" * 3000
    first, *rest = h264_payloads(START + sps + START + pps + START + idr)
    assert first[0] & 0x1F == 24
    assert [payload[0] & 0x1F for payload in rest] == [28, 28, 28]
    assert [payload[1] & 0xC0 for payload in rest] == [0x80, 0, 0x40]


def test_both_start_codes_and_zeros_at_the_end_are_understood() -> None:
    assert list(nal_units(b"\0\0\1\x67a\0\0\0\1\x68b\0\0\0\0\1\x65c\0\0")) == [b"\x67a", b"\x68b", b"\x65c"]
    assert list(nal_units(b"no start code")) == []


def test_the_codec_decides() -> None:
    assert payloads_of(Codec.VP8, b"abc", 1)[0].endswith(b"abc")
    assert payloads_of(Codec.H264, START + b"\x65abc", 1) == [b"\x65abc"]
