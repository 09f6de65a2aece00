import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.upload import (
    MAX_DATA_BYTES,
    MAX_FINISH_BYTES,
    MAX_PARTS,
    Kind,
    Record,
    RecordReader,
    UploadError,
    encode_begin,
    encode_data,
    encode_finish,
)

PARTS = st.dictionaries(st.integers(0, (1 << 32) - 1), st.lists(st.binary(max_size=200), max_size=3), max_size=4)


def read(data: bytes, pieces: list[int]) -> list[Record]:
    reader, found, at = RecordReader(), [], 0
    for size in [*pieces, len(data)]:
        reader.feed(data[at : at + size])
        at += size
        while (record := reader.next_record()) is not None:
            found.append(record)
    return found


@given(parts=PARTS, last=st.dictionaries(st.text(max_size=5), st.integers()), pieces=st.lists(st.integers(0, 50)))
def test_what_is_encoded_is_read_however_it_is_cut(
    parts: dict[int, list[bytes]], last: dict[str, int], pieces: list[int]
) -> None:
    data = b"".join(encode_begin(part) + b"".join(map(encode_data, pieces_)) for part, pieces_ in parts.items())
    found = read(data + encode_finish(last), pieces)
    assert found[-1] == Record(Kind.FINISH, fields=last)
    got: dict[int, bytes] = {}
    part = -1
    for record in found[:-1]:
        if record.kind is Kind.BEGIN:
            part = record.part
            got[part] = b""
        else:
            got[part] += record.data
    assert got == {part: b"".join(pieces_) for part, pieces_ in parts.items()}


@given(st.binary(max_size=100), st.lists(st.integers(1, 10)))
def test_random_bytes_are_records_or_an_error(data: bytes, pieces: list[int]) -> None:
    try:
        read(data, pieces)
    except UploadError as error:
        assert str(error)


def test_data_of_any_size_goes_out_as_records_of_a_limited_one() -> None:
    records = read(encode_begin(0) + encode_data(bytes(MAX_DATA_BYTES * 2 + 1)), [])
    assert [len(record.data) for record in records] == [0, MAX_DATA_BYTES, MAX_DATA_BYTES, 1]


@pytest.mark.parametrize(
    "data",
    [
        encode_data(b"before any part"),
        encode_begin(1) + encode_begin(1),
        encode_finish({}) + b"x",
        encode_finish({}) + encode_finish({}),
        b"\x02" + (MAX_DATA_BYTES + 1).to_bytes(4, "big"),
        b"\x03" + (MAX_FINISH_BYTES + 1).to_bytes(4, "big"),
        b"\x00" + bytes(4),
        b"\x01\x00\x00\x00\x01x",
        b"\x03\x00\x00\x00\x02[]",
        b"\x03\x00\x00\x00\x01{",
        b"\x03\x00\x00\xc3\x50" + b"[" * 50_000,
        b"".join(encode_begin(part) for part in range(MAX_PARTS + 1)),
    ],
)
def test_what_is_out_of_order_or_too_large_is_an_error(data: bytes) -> None:
    with pytest.raises(UploadError):
        read(data, [])


def test_the_last_record_has_room_for_the_longest_paths() -> None:
    files = [{"part": part, "dest_b64": "x" * 5464, "mode": "0644"} for part in range(MAX_PARTS)]
    assert read(encode_finish({"files": files}), []) == [Record(Kind.FINISH, fields={"files": files})]
    with pytest.raises(UploadError):
        encode_finish({"files": "x" * MAX_FINISH_BYTES})


def test_an_end_is_known_only_when_it_has_come() -> None:
    reader = RecordReader()
    reader.feed(encode_begin(0) + encode_finish({})[:-1])
    assert reader.next_record() == Record(Kind.BEGIN, part=0)
    assert reader.next_record() is None
    assert not reader.is_finished
    reader.feed(b"}")
    assert reader.next_record() == Record(Kind.FINISH)
    assert reader.is_finished


def test_no_more_is_kept_than_one_record_and_one_piece() -> None:
    reader = RecordReader()
    piece = encode_data(b"x" * 1000)
    reader.feed(encode_begin(0))
    for _ in range(500):
        reader.feed(piece * 3 + piece[:500])
        while reader.next_record() is not None:
            continue
        reader.feed(piece[500:])
        while reader.next_record() is not None:
            continue
        assert len(reader._pending) <= 2 * 4 * len(piece)
