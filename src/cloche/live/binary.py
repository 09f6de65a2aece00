"""Binary messages to viewers: twenty bytes of head, then the encoded picture. Pure. docs/reference/live-protocol.md.

    kind u8 (1 JPEG, 2 H.264, 3 VP8) | flags u8 (1: key) | width u16 | height u16 | 0 u16 | seq u32 | taken_at_ms u64

Big-endian. `width` and `height` are of the encoded picture, 0 where only the picture itself tells.
"""

import struct
from typing import Final

from cloche.live.model import Chunk, Codec

HEAD: Final = struct.Struct(">BBHHHIQ")
KINDS: Final = {Codec.JPEG: 1, Codec.H264: 2, Codec.VP8: 3}
KEY: Final = 1


def binary_message(chunk: Chunk) -> bytes:
    flags = KEY if chunk.is_key else 0
    head = HEAD.pack(KINDS[chunk.codec], flags, chunk.width, chunk.height, 0, chunk.seq & 0xFFFFFFFF, chunk.taken_at_ms)
    return head + chunk.data
