"""Encoded frames cut into RTP payloads. Pure. RFC 7741 (VP8), RFC 6184 (H.264)."""

from collections.abc import Iterator
from typing import Final

from cloche.live.model import Codec

MAX_PAYLOAD_BYTES: Final = 1160
"""With heads of RTP, SRTP, TURN, UDP and IPv6 a packet stays below 1280 bytes, which any path carries (RFC 8200)."""

_STAP_A: Final = 24
_FU_A: Final = 28


def payloads_of(codec: Codec, frame: bytes, picture_id: int) -> list[bytes]:
    """Cut one frame. `picture_id`: counts up, of which VP8 carries 15 bits."""
    return vp8_payloads(frame, picture_id) if codec is Codec.VP8 else h264_payloads(frame)


def vp8_payloads(frame: bytes, picture_id: int) -> list[bytes]:
    """The descriptor (X and S, then I, then a picture id of 15 bits) before each piece."""
    identity = 0x8000 | picture_id & 0x7FFF
    tail = b"\x80" + identity.to_bytes(2, "big")
    size = MAX_PAYLOAD_BYTES - 4
    return [
        (b"\x90" if start == 0 else b"\x80") + tail + frame[start : start + size]
        for start in range(0, len(frame), size)
    ]


def h264_payloads(frame: bytes) -> list[bytes]:
    """Small NAL units together (STAP-A), large ones in fragments (FU-A): packetization mode 1."""
    payloads: list[bytes] = []
    together: list[bytes] = []
    size = 1
    for unit in nal_units(frame):
        if together and size + 2 + len(unit) > MAX_PAYLOAD_BYTES:
            payloads.append(_aggregate(together))
            together, size = [], 1
        if len(unit) + 3 > MAX_PAYLOAD_BYTES:
            payloads += _fragments(unit)
        else:
            together.append(unit)
            size += 2 + len(unit)
    if together:
        payloads.append(_aggregate(together))
    return payloads


def nal_units(frame: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B stream, without start codes and the zeros around them (ITU-T H.264, B.1)."""
    start = frame.find(b"\0\0\1")
    while start >= 0:
        end = frame.find(b"\0\0\1", start + 3)
        unit = frame[start + 3 : end if end >= 0 else None].rstrip(b"\0")
        if unit:
            yield unit
        start = end


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    head = bytes([importance | _STAP_A])
    return head + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _fragments(unit: bytes) -> Iterator[bytes]:
    head, body, size = unit[0], unit[1:], MAX_PAYLOAD_BYTES - 2
    indicator, kind = head & 0xE0 | _FU_A, head & 0x1F
    for start in range(0, len(body), size):
        first, last = 0x80 * (start == 0), 0x40 * (start + size >= len(body))
        yield bytes([indicator, first | last | kind]) + body[start : start + size]
