"""What daemon and child say survives the way, in whatever pieces it comes; what may not be said is refused."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.encoder import wire
from cloche.live.encoder.wire import CodecId, ContainerId, Message, Reader, Task, WireError

codecs = st.sampled_from(CodecId)
tasks = st.builds(
    Task,
    codecs,
    st.booleans(),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 100),
    st.integers(0, 10_000).map(lambda number: number / 10_000),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
)
seqs = st.integers(0, 2**64 - 1)


def read(data: bytes, longest: dict[int, int], size: int = 1 << 20) -> list[Message]:
    """All messages of a stream that comes in pieces of at most `size`."""
    reader, found = Reader(longest), []
    while data:
        space = reader.space()
        count = min(size, len(space), len(data))
        space[:count] = data[:count]
        data = data[count:]
        if message := reader.filled(count):
            found.append(message)
    return found


@given(seqs, seqs, st.lists(tasks, max_size=wire.MAX_TASKS), st.binary(max_size=300), st.integers(1, 50))
def test_a_picture_survives_the_way(seq: int, at: int, asked: list[Task], jpeg: bytes, size: int) -> None:
    data = wire.picture_message(seq, at, asked, len(jpeg)) + jpeg
    [first, second] = read(data + data, dict(wire.TO_CHILD), size)
    assert first == second
    said = wire.parse_picture(first.body)
    assert (said.seq, said.taken_at_ms, said.tasks, bytes(said.jpeg)) == (seq, at, tuple(asked), jpeg)


@given(seqs, codecs, st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_a_chunk_survives_the_way(seq: int, codec: CodecId, key: bool, width: int, height: int, data: bytes) -> None:
    sent = wire.chunk_message(seq, codec, is_key=key, width=width, height=height, data=data)
    [message] = read(sent, dict(wire.FROM_CHILD))
    assert wire.parse_chunk(message) == wire.Encoded(seq, codec, key, width, height, data)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.text(max_size=50)), max_size=20), seqs)
def test_marks_survive_the_way(marks: list[tuple[int, str]], end_ms: int) -> None:
    [message] = read(wire.finish_message(end_ms, marks), dict(wire.TO_CHILD))
    said_end, said = wire.parse_finish(message)
    assert said_end == end_ms
    assert [at for at, _ in said] == [at for at, _ in marks]
    for (_, heard), (_, title) in zip(said, marks, strict=True):
        assert title.encode(errors="replace").startswith(heard.encode())


def test_a_recordings_words_survive_the_way() -> None:
    opening = wire.Opening(ContainerId.MP4, CodecId.H264, 1280, 720, 1 << 30)
    [first, second] = read(
        wire.open_message(opening) + wire.sample_message(7, is_key=True, data_bytes=3) + b"abc", dict(wire.TO_CHILD), 5
    )
    assert wire.parse_open(first) == opening
    assert wire.parse_sample(second) == (7, True, b"abc")
    answers = wire.ready_message() + wire.done_message(9) + wire.taken_message(5, is_full=True)
    ready, done, taken, piece, end = read(
        answers + wire.piece_head(2) + b"xy" + wire.end_message(), dict(wire.FROM_CHILD)
    )
    assert (ready.kind, end.kind) == (wire.Kind.READY, wire.Kind.END)
    assert wire.parse_done(done) == 9
    assert wire.parse_taken(taken) == (5, True)
    assert bytes(piece.body) == b"xy"


def test_more_marks_than_a_file_may_have_are_left_out_and_long_titles_cut() -> None:
    [message] = read(wire.finish_message(1, [(0, "ü" * 500)] * (wire.MAX_MARKS + 5)), dict(wire.TO_CHILD))
    _, marks = wire.parse_finish(message)
    assert len(marks) == wire.MAX_MARKS
    assert {title for _, title in marks} == {"ü" * (wire.MAX_TITLE_BYTES // 2)}


@pytest.mark.parametrize("kind", [0, 5, int(wire.Kind.CHUNK), 255])
def test_a_kind_that_is_not_for_this_side_is_refused(kind: int) -> None:
    with pytest.raises(WireError):
        read(wire.HEAD.pack(kind, 0, 0, 0), dict(wire.TO_CHILD))


@pytest.mark.parametrize("longest", [wire.TO_CHILD, wire.FROM_CHILD])
def test_a_length_beyond_the_bound_is_refused_before_there_is_room_for_it(longest: dict[int, int]) -> None:
    for kind, most in longest.items():
        with pytest.raises(WireError):
            read(wire.HEAD.pack(kind, 0, 0, most + 1), longest)


@given(st.binary(max_size=200))
def test_garbage_is_refused_in_words(data: bytes) -> None:
    for parse in (wire.parse_chunk, wire.parse_done, wire.parse_taken, wire.parse_open, wire.parse_sample):
        refused_or_read(parse, Message(0, 0, bytearray(data)))
    refused_or_read(wire.parse_finish, Message(0, 0, bytearray(data)))
    refused_or_read(wire.parse_picture, bytearray(data))


def refused_or_read(parse: Callable[[Any], object], data: Message | bytearray) -> None:
    with contextlib.suppress(WireError):
        parse(data)
