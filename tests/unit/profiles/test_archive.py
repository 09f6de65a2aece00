import io
import os

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import TooLargeError
from cloche.profiles.archive import MAX_MANIFEST_BYTES, ArchiveError, ArchiveReader, ArchiveWriter, Copy

MAX = 1 << 20


def packed(pieces: list[bytes], manifest: bytes = b"{}") -> bytes:
    writer = ArchiveWriter(manifest, max_bytes=MAX)
    return b"".join([writer.begin(), *map(writer.add, pieces), writer.finish()])


def unpacked(data: bytes, *, max_bytes: int = MAX, size: int = 1000) -> tuple[bytes, bytes]:
    reader = ArchiveReader(io.BytesIO(data), max_bytes=max_bytes)
    return reader.manifest, b"".join(iter(lambda: reader.read(size), b""))


@given(st.lists(st.binary()), st.binary(), st.integers(1, 500))
def test_what_went_in_comes_out(pieces: list[bytes], manifest: bytes, size: int) -> None:
    assert unpacked(packed(pieces, manifest), size=size) == (manifest, b"".join(pieces))


@given(st.binary())
def test_bytes_that_are_no_archive_are_told_as_such(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        unpacked(data)


def test_an_archive_that_ends_in_its_head_is_refused() -> None:
    whole = packed([b"state"], b"manifest")
    for length in (0, 7, 11, 15):
        with pytest.raises(ArchiveError):
            unpacked(whole[:length])


def test_a_source_is_read_to_its_end_where_it_may_turn_out_not_to_be_genuine() -> None:
    class Lying(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if piece := super().read(size):
                return piece
            raise ZeroDivisionError

    reader = ArchiveReader(Lying(packed([b"state"])), max_bytes=MAX)
    assert reader.read(5) == b"state"
    with pytest.raises(ZeroDivisionError):
        reader.read(100)


def test_a_manifest_that_says_it_is_enormous_is_not_waited_for() -> None:
    with pytest.raises(ArchiveError):
        unpacked(b"CLARCH01" + (MAX_MANIFEST_BYTES + 1).to_bytes(4) + b"x")
    with pytest.raises(TooLargeError):
        ArchiveWriter(bytes(MAX_MANIFEST_BYTES + 1), max_bytes=MAX)


def test_a_bomb_is_given_up_at_the_limit_and_no_piece_of_it_is_larger_than_asked_for() -> None:
    bomb = ArchiveWriter(b"", max_bytes=1 << 40).begin() + zstandard.compress(bytes(64 << 20))
    assert len(bomb) < 10_000
    reader = ArchiveReader(io.BytesIO(bomb), max_bytes=MAX)
    pieces = list[bytes]()
    with pytest.raises(TooLargeError):
        pieces.extend(iter(lambda: reader.read(1000), b""))
    assert all(len(piece) <= 1000 for piece in pieces)


def test_a_window_above_what_our_own_archives_need_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    wide = compressor.compress(os.urandom(100)) + compressor.flush()
    with pytest.raises(ArchiveError):
        unpacked(ArchiveWriter(b"", max_bytes=MAX).begin() + wide)


def test_a_payload_above_the_limit_is_refused_while_it_comes() -> None:
    writer = ArchiveWriter(b"", max_bytes=10)
    writer.add(bytes(10))
    with pytest.raises(TooLargeError):
        writer.add(b"x")


def test_an_archive_that_is_copied_stays_as_it_is() -> None:
    copy = Copy()
    assert (copy.begin(), copy.add(b"abc"), copy.finish()) == (b"", b"abc", b"")
