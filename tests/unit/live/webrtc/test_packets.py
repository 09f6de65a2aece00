import struct

from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from cloche.live.webrtc import packets
from cloche.live.webrtc.describe import MID, SEND_TIME


def extensions_map() -> rtp.HeaderExtensionsMap:
    known = rtp.HeaderExtensionsMap()
    wanted = [RTCRtpHeaderExtensionParameters(id=1, uri=MID), RTCRtpHeaderExtensionParameters(id=3, uri=SEND_TIME)]
    known.configure(RTCRtpParameters(headerExtensions=wanted))
    return known


EXTENSIONS = packets.header_extensions([(1, b"video"), (3, b"\1\2\3")])
PACKET = packets.rtp_packet(
    payload_type=96, is_last=True, sequence=65535, timestamp=7, ssrc=0xDEADBEEF, extensions=EXTENSIONS, payload=b"data"
)


def test_a_packet_is_what_another_implementation_reads() -> None:
    read = rtp.RtpPacket.parse(PACKET, extensions_map())
    assert (read.payload_type, read.marker, read.sequence_number, read.timestamp, read.ssrc) == (
        *(96, 1, 65535, 7),
        0xDEADBEEF,
    )
    assert read.payload == b"data"
    assert read.extensions.mid == "video"
    assert read.extensions.abs_send_time == 0x010203


def test_a_packet_without_extensions_has_a_plain_head() -> None:
    assert packets.header_extensions([]) == b""
    plain = packets.rtp_packet(
        payload_type=96, is_last=False, sequence=1, timestamp=2, ssrc=3, extensions=b"", payload=b"x"
    )
    assert len(plain) == 13
    assert rtp.RtpPacket.parse(plain).marker == 0


def test_what_is_sent_again_can_be_unwrapped() -> None:
    again = packets.retransmission(PACKET, head_bytes=12 + len(EXTENSIONS), payload_type=97, sequence=5, ssrc=42)
    read = rtp.RtpPacket.parse(again, extensions_map())
    assert (read.payload_type, read.sequence_number, read.ssrc, read.timestamp) == (97, 5, 42, 7)
    original = rtp.unwrap_rtx(read, payload_type=96, ssrc=0xDEADBEEF)
    assert original.serialize(extensions_map()) == PACKET


def test_timestamps_are_ninety_kilohertz_of_the_time_since_1970() -> None:
    assert packets.timestamp_of(1_000) == 90_000
    assert packets.timestamp_of(1_795_380_779_301) == 1_795_380_779_301 * 90 % (1 << 32)


def test_a_report_says_which_moment_a_timestamp_is() -> None:
    now_s = 1_795_380_779.25
    data = packets.sender_report(ssrc=9, now_s=now_s, packets=3, octets=4000, name="abc")
    report, words = rtp.RtcpPacket.parse(data)
    assert isinstance(report, rtp.RtcpSrPacket)
    assert isinstance(words, rtp.RtcpSdesPacket)
    assert report.sender_info.rtp_timestamp == packets.timestamp_of(int(now_s * 1000))
    assert report.sender_info.ntp_timestamp / (1 << 32) == now_s + 2_208_988_800
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (3, 4000)
    assert words.chunks[0].items == [(1, b"abc")]


def test_names_of_any_length_make_whole_words() -> None:
    for length in range(20):
        data = packets.sender_report(ssrc=9, now_s=1.0, packets=0, octets=0, name="n" * length)
        assert len(data) % 4 == 0
        assert len(rtp.RtcpPacket.parse(data)) == 2


def test_goodbye_is_understood() -> None:
    (packet,) = rtp.RtcpPacket.parse(packets.goodbye(77))
    assert isinstance(packet, rtp.RtcpByePacket)
    assert packet.sources == [77]


def test_the_round_trip_is_what_neither_side_spent() -> None:
    sent_s = 1_795_380_779.0
    last_report = packets.ntp_of(sent_s) >> 16 & 0xFFFFFFFF
    rtt = packets.round_trip_s(now_s=sent_s + 0.75, last_report=last_report, delay=65536 // 2)
    assert rtt is not None
    assert abs(rtt - 0.25) < 0.001
    assert packets.round_trip_s(now_s=sent_s, last_report=0, delay=0) is None
    # It says that it held our report longer than we have had it.
    assert packets.round_trip_s(now_s=sent_s, last_report=last_report, delay=65536) is None


def test_the_send_time_has_eighteen_bits_of_a_second() -> None:
    (value,) = struct.unpack("!I", b"\0" + packets.send_time_of(0.5))
    assert value & 0x3FFFF == 1 << 17
