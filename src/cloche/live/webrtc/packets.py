"""RTP and RTCP that we send. Pure. RFC 3550, RFC 4588 (retransmission), RFC 8285 (header extensions).

Times are seconds since 1970. The clock of our video's timestamps is 90 kHz of that, modulo 2^32, without an offset: so
a viewer can tell how old a picture is.
"""

import struct
from typing import Final

CLOCK_RATE: Final = 90_000
SEQUENCES: Final = 1 << 16
_EPOCH_1900_S: Final = 2_208_988_800
_HEAD: Final = struct.Struct("!BBHII")
_SDES_CNAME: Final = 1


def timestamp_of(at_ms: int) -> int:
    """RTP's timestamp of a moment in milliseconds."""
    return at_ms * (CLOCK_RATE // 1000) & 0xFFFFFFFF


def ntp_of(now_s: float) -> int:
    """64 bits of NTP: seconds since 1900 and their fraction (RFC 5905)."""
    return int((now_s + _EPOCH_1900_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def send_time_of(now_s: float) -> bytes:
    """abs-send-time: 24 bits, of which 18 are the fraction of a second."""
    return (int((now_s + _EPOCH_1900_S) * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")


def header_extensions(elements: list[tuple[int, bytes]]) -> bytes:
    """Elements with one-byte heads, as a whole with the word before them; ids 1 to 14, values of 1 to 16 bytes."""
    if not elements:
        return b""
    body = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def rtp_packet(
    *, payload_type: int, is_last: bool, sequence: int, timestamp: int, ssrc: int, extensions: bytes, payload: bytes
) -> bytes:
    """`is_last`: the frame ends with it (the marker)."""
    first = 0x90 if extensions else 0x80
    return _HEAD.pack(first, is_last << 7 | payload_type, sequence, timestamp, ssrc) + extensions + payload


def retransmission(packet: bytes, *, head_bytes: int, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """A packet sent again in the stream for that: its own number stands before its payload. `head_bytes`: up to
    there."""
    head = _HEAD.pack(packet[0], packet[1] & 0x80 | payload_type, sequence, *struct.unpack("!I", packet[4:8]), ssrc)
    return head + packet[_HEAD.size : head_bytes] + packet[2:4] + packet[head_bytes:]


def sender_report(*, ssrc: int, now_s: float, packets: int, octets: int, name: str) -> bytes:
    """SR and SDES in one: which moment on the wall clock a timestamp is, and what has been sent so far."""
    ntp = ntp_of(now_s)
    timestamp = int(now_s * CLOCK_RATE) & 0xFFFFFFFF
    counts = (packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, ntp >> 32, ntp & 0xFFFFFFFF, timestamp, *counts)
    item = struct.pack("!IBB", ssrc, _SDES_CNAME, len(name)) + name.encode("ascii")
    item += bytes(4 - len(item) % 4)
    return report + struct.pack("!BBH", 0x81, 202, len(item) // 4) + item


def goodbye(ssrc: int) -> bytes:
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def round_trip_s(*, now_s: float, last_report: int, delay: int) -> float | None:
    """From a receiver report: the middle 32 bits of our report's NTP time, and how long the viewer held it, in 1/65536
    s.

    None: it has had no report of ours yet, or says what cannot be.
    """
    if not last_report:
        return None
    span = ((ntp_of(now_s) >> 16 & 0xFFFFFFFF) - last_report - delay) & 0xFFFFFFFF
    seconds = span / 65536
    return seconds if seconds < 60 else None
