"""The head of binary messages, byte for byte."""

import pytest

from cloche.live.binary import HEAD, binary_message
from cloche.live.model import Chunk, Codec


def test_twenty_bytes_and_then_the_picture():
    chunk = Chunk(Codec.H264, 258, b"data", True, 1_795_000_000_123, 1280, 720)
    message = binary_message(chunk)
    assert HEAD.size == 20
    assert message == (
        b"\x02\x01\x05\x00\x02\xd0\x00\x00"  # H.264, key, 1280, 720, nothing
        b"\x00\x00\x01\x02" + (1_795_000_000_123).to_bytes(8, "big") + b"data"
    )


@pytest.mark.parametrize(("codec", "kind"), [(Codec.JPEG, 1), (Codec.H264, 2), (Codec.VP8, 3)])
def test_every_codec_has_its_number(codec: Codec, kind: int):
    message = binary_message(Chunk(codec, 1, b"", False, 0, 0, 0))
    assert message[0] == kind and message[1] == 0


def test_numbers_begin_again_after_four_thousand_million():
    message = binary_message(Chunk(Codec.VP8, (1 << 32) + 5, b"", False, 0, 0, 0))
    assert HEAD.unpack(message)[5] == 5
