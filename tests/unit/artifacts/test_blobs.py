"""Sealed files: whatever is written, in whatever pieces, any range of it can be read; and nothing else."""

import hashlib
import itertools
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.artifacts.blobs import BlobDirectory, BlobReader
from cloche.vault.sealed import CHUNK_BYTES, SealError

KEY, CONTEXT = b"k" * 32, b"context"
SIZE = 3 * CHUNK_BYTES + 1000
DATA = hashlib.shake_256(b"data").digest(SIZE)


def written(directory: Path, pieces: list[bytes], *, sample_bytes: int = 100) -> BlobReader:
    blobs = BlobDirectory(directory)
    writer = blobs.writer(KEY, CONTEXT, sample_bytes=sample_bytes)
    writer.begin()
    for piece in pieces:
        writer.append([piece])
    writer.finish()
    writer.place()
    return blobs.open(writer.name, KEY, CONTEXT)


@pytest.fixture(scope="module")
def reader() -> Iterator[BlobReader]:
    with tempfile.TemporaryDirectory() as directory:
        reader = written(Path(directory), [DATA])
        yield reader
        reader.close()


@given(start=st.integers(0, SIZE), length=st.integers(0, SIZE))
@settings(max_examples=60)
def test_any_range_can_be_read(reader: BlobReader, start: int, length: int) -> None:
    length = min(length, SIZE - start)
    assert b"".join(reader.pieces(start, length)) == DATA[start : start + length]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_sizes_about_a_chunk_come_out_whole(tmp_path: Path, size: int) -> None:
    reader = written(tmp_path, [DATA[:size]])
    assert reader.size_bytes == size
    assert b"".join(reader.pieces(0, size)) == DATA[:size]
    reader.close()


@given(cuts=st.lists(st.integers(0, 3000), max_size=6), sample=st.integers(1, 700))
@settings(max_examples=40)
def test_samples_are_the_beginning_and_the_end_however_it_comes(cuts: list[int], sample: int) -> None:
    data = DATA[:3000]
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    with tempfile.TemporaryDirectory() as directory:
        writer = BlobDirectory(Path(directory)).writer(KEY, CONTEXT, sample_bytes=sample)
        writer.begin()
        for piece in pieces:
            writer.append([piece[:10], piece[10:]])
        seen = writer.finish()
    assert (seen.head, seen.tail) == (data[:sample], data[-sample:])
    assert (seen.size_bytes, seen.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@given(at=st.integers(0, CHUNK_BYTES + 1000 + 2 * 16 + 47), bit=st.integers(0, 7))
@settings(max_examples=40)
def test_a_flipped_bit_anywhere_is_seen(at: int, bit: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        written(Path(directory), [DATA[: CHUNK_BYTES + 1000]]).close()
        (path,) = Path(directory).glob("??/*")
        with path.open("r+b") as file:
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ (1 << bit)]))
        with pytest.raises(SealError):
            reader = BlobReader(path, KEY, CONTEXT)
            try:
                list(reader.pieces(0, reader.size_bytes))
            finally:
                reader.close()


def test_a_blob_of_another_context_or_key_does_not_open(tmp_path: Path) -> None:
    written(tmp_path, [DATA[:100]]).close()
    (path,) = tmp_path.glob("??/*")
    for key, context in ((KEY, b"other"), (b"x" * 32, CONTEXT)):
        reader = BlobReader(path, key, context)
        with pytest.raises(SealError):
            list(reader.pieces(0, 10))
        reader.close()


def test_discarding_waits_for_a_write_and_ignores_what_comes_after(tmp_path: Path) -> None:
    writer = BlobDirectory(tmp_path).writer(KEY, CONTEXT, sample_bytes=10)
    writer.begin()
    threads = [threading.Thread(target=writer.append, args=([DATA],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    writer.discard()
    for thread in threads:
        thread.join()
    writer.append([DATA])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_nothing_is_a_blob_before_it_is_placed(tmp_path: Path) -> None:
    blobs = BlobDirectory(tmp_path)
    writer = blobs.writer(KEY, CONTEXT, sample_bytes=10)
    writer.begin()
    writer.append([b"x"])
    writer.finish()
    assert blobs.present() == {} and blobs.parts() == [writer.name]
    writer.place()
    assert list(blobs.present()) == [writer.name] and blobs.parts() == []
    blobs.remove([writer.name, "0" * 32])
    assert blobs.present() == {}


def test_names_that_are_none_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    (tmp_path / "aa" / "notes.sealed").write_bytes(b"somebody's")
    blobs = BlobDirectory(tmp_path)
    assert blobs.present() == {}
    for name in ("../../etc/passwd", "", "A" * 32):
        with pytest.raises(FileNotFoundError):
            blobs.open(name, KEY, CONTEXT)
    assert os.listdir(tmp_path / "aa") == ["notes.sealed"]
