import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode

from cloche.wire.websocket import (
    MAX_CONTROL_BYTES,
    FrameReader,
    Message,
    Opcode,
    WebSocketError,
    accept_value,
    close_code,
    encode_close,
    encode_frame,
)

MASK = b"\x01\x80\xff\x00"
LIMIT = 1000
MESSAGES = st.one_of(
    st.builds(Message, st.just(Opcode.BINARY), st.binary(max_size=400)),
    st.builds(Message, st.just(Opcode.TEXT), st.text(max_size=100).map(str.encode)),
    st.builds(Message, st.sampled_from((Opcode.PING, Opcode.PONG)), st.binary(max_size=125)),
)


def reader(*, from_client: bool = True, limit: int = LIMIT) -> FrameReader:
    return FrameReader(from_client=from_client, max_bytes=limit)


def read(data: bytes, *, from_client: bool = True, limit: int = LIMIT, step: int = 1 << 20) -> list[Message]:
    """All messages in some bytes, fed a few at a time."""
    frames, messages = reader(from_client=from_client, limit=limit), []
    for at in range(0, len(data), step):
        frames.feed(data[at : at + step])
        while (message := frames.next_message()) is not None:
            messages.append(message)
    return messages


def refused(data: bytes, *, from_client: bool = True, limit: int = LIMIT) -> int:
    """The code of the Close frame that the peer earns."""
    with pytest.raises(WebSocketError) as refusal:
        read(data, from_client=from_client, limit=limit)
    return refusal.value.code


def frame(opcode: int, data: bytes, *, is_last: bool = True, mask: bytes = MASK, reserved: int = 0) -> bytes:
    """A frame as the RFC draws it, right or wrong; short ones only."""
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)) if mask else data
    return bytes([is_last << 7 | reserved << 4 | opcode, bool(mask) << 7 | len(data)]) + mask + masked


@given(st.lists(MESSAGES, max_size=8), st.booleans(), st.integers(1, 50))
def test_what_is_encoded_is_read_however_it_is_cut(messages: list[Message], from_client: bool, step: int) -> None:
    mask = MASK if from_client else b""
    data = b"".join(encode_frame(message.opcode, message.data, mask) for message in messages)
    assert read(data, from_client=from_client, step=step) == messages


@pytest.mark.parametrize("length", [0, 1, 3, 4, 125, 126, 127, 65535, 65536, 200_001])
@pytest.mark.parametrize("from_client", [True, False])
def test_frames_of_any_length_are_those_of_another_library(length: int, from_client: bool) -> None:
    data = os.urandom(length)
    ours = encode_frame(Opcode.BINARY, data, MASK if from_client else b"")
    theirs = Frame(TheirOpcode.BINARY, data).serialize(mask=from_client)
    assert len(ours) == len(theirs)
    assert ours[:2] == theirs[:2]
    assert read(theirs, from_client=from_client, limit=length or 1) == [Message(Opcode.BINARY, data)]
    assert read(ours, from_client=from_client, limit=length or 1) == [Message(Opcode.BINARY, data)]


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=5), MESSAGES, st.integers(1, 20))
def test_fragments_are_put_together_with_control_frames_between_them(
    text: str, cuts: list[int], between: Message, step: int
) -> None:
    whole = text.encode()
    places = sorted({0, *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]
    control = between if between.opcode >= Opcode.CLOSE else Message(Opcode.PING, b"")
    data = b""
    for index, piece in enumerate(pieces):
        opcode = Opcode.CONTINUATION if index else Opcode.TEXT
        data += frame(opcode, piece, is_last=index == len(pieces) - 1)
        if index < len(pieces) - 1:
            data += frame(control.opcode, control.data)
    assert read(data, step=step) == [control] * (len(pieces) - 1) + [Message(Opcode.TEXT, whole)]


@given(st.binary(max_size=300), st.booleans(), st.integers(1, 40))
def test_any_bytes_are_messages_or_refused_with_a_code_that_may_be_sent(
    data: bytes, from_client: bool, step: int
) -> None:
    try:
        messages = read(data, from_client=from_client, limit=100, step=step)
    except WebSocketError as error:
        assert error.code in (1002, 1007, 1009)
    else:
        assert all(len(message.data) <= 125 for message in messages)


def test_a_message_that_is_too_large_is_refused_by_its_head_alone() -> None:
    assert read(encode_frame(Opcode.BINARY, bytes(LIMIT), MASK)) == [Message(Opcode.BINARY, bytes(LIMIT))]
    assert refused(encode_frame(Opcode.BINARY, bytes(LIMIT + 1), MASK)[:8]) == 1009
    assert refused(encode_frame(Opcode.BINARY, bytes(1 << 16), MASK)[:14]) == 1009


def test_fragments_that_are_too_large_together_are_refused_by_the_head_of_the_last() -> None:
    first = bytearray(encode_frame(Opcode.BINARY, bytes(LIMIT - 100), MASK))
    first[0] &= 0x7F
    assert read(bytes(first) + frame(Opcode.CONTINUATION, bytes(100)))[0].data == bytes(LIMIT)
    assert refused(bytes(first) + frame(Opcode.CONTINUATION, bytes(101))[:6]) == 1009


BAD_FRAMES = {
    "no mask from a client": frame(Opcode.BINARY, b"x", mask=b""),
    "reserved bits": frame(Opcode.BINARY, b"x", reserved=4),
    "an opcode that is none": frame(3, b""),
    "a control opcode that is none": frame(11, b""),
    "a continuation of nothing": frame(Opcode.CONTINUATION, b"x"),
    "a message in the middle of another": frame(Opcode.TEXT, b"a", is_last=False) + frame(Opcode.TEXT, b"b"),
    "a control frame cut up": frame(Opcode.PING, b"", is_last=False),
    "a control frame too long": bytes([0x89, 0xFE]) + struct.pack(">H", 126) + MASK,
    "a length that needs no two bytes": bytes([0x82, 0xFE]) + struct.pack(">H", 125) + MASK,
    "a length that needs no eight bytes": bytes([0x82, 0xFF]) + struct.pack(">Q", 65535) + MASK,
    "a length below zero": bytes([0x82, 0xFF]) + b"\xff" * 8 + MASK,
    "a Close frame of one byte": frame(Opcode.CLOSE, b"\x03"),
    "a Close frame with a code that stands for none": frame(Opcode.CLOSE, struct.pack(">H", 1005)),
    "a Close frame with a code of nobody": frame(Opcode.CLOSE, struct.pack(">H", 999)),
}


@pytest.mark.parametrize("data", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_frame_that_may_not_be_is_a_protocol_error(data: bytes) -> None:
    assert refused(data) == 1002


def test_a_mask_from_a_server_is_a_protocol_error() -> None:
    assert refused(frame(Opcode.BINARY, b"x"), from_client=False) == 1002


def test_text_and_a_reason_must_be_utf_8_as_a_whole() -> None:
    assert refused(frame(Opcode.TEXT, b"\xff")) == 1007
    assert refused(frame(Opcode.CLOSE, struct.pack(">H", 1000) + b"\xc3")) == 1007
    halves = frame(Opcode.TEXT, b"\xc3", is_last=False) + frame(Opcode.CONTINUATION, b"\xbc")
    assert read(halves) == [Message(Opcode.TEXT, "ü".encode())]
    assert refused(frame(Opcode.TEXT, b"\xc3", is_last=False) + frame(Opcode.CONTINUATION, b"")) == 1007


@given(st.text(max_size=200), st.sampled_from((1000, 1001, 1011, 3000, 4999)))
def test_a_close_frame_holds_its_code_and_as_much_of_a_reason_as_fits(reason: str, code: int) -> None:
    (message,) = read(encode_close(code, reason, MASK))
    assert message.opcode is Opcode.CLOSE
    assert len(message.data) <= MAX_CONTROL_BYTES
    assert close_code(message.data) == code
    assert reason.startswith(message.data[2:].decode())
    assert len(message.data) > MAX_CONTROL_BYTES - 4 or message.data[2:].decode() == reason


def test_a_close_frame_without_a_code_stands_for_none() -> None:
    (message,) = read(frame(Opcode.CLOSE, b""))
    assert close_code(message.data) == 1005


def test_the_accept_value_is_that_of_the_rfc() -> None:
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
