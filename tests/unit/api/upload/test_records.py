"""A form or an archive as the agent reads it, with the agent's own reader at the end."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
import zstandard

from cloche.api.upload.forms import ArchiveForm, FilesForm, archive_fields
from cloche.api.upload.records import form_records, raw_records
from cloche.api.zstd.codec import MEMORY_BYTES, ZstdCodec
from cloche.errors import InvalidError
from cloche.wire.upload import Kind, RecordReader

TYPE = "multipart/form-data; boundary=frontier"
ONE_FILE = b"".join(
    b'--frontier\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % each
    for each in ((b"file", b"content" * 100_000), (b"dest_path", b"a/b"))
)


@pytest.fixture
def codec() -> Iterator[ZstdCodec]:
    codec = ZstdCodec()
    yield codec
    assert codec.memory.free_bytes == MEMORY_BYTES
    codec.close()


async def pieces_of(data: bytes, size: int = 50_000) -> AsyncGenerator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def read(records: AsyncIterator[bytes]) -> tuple[dict[int, bytes], dict[str, object], bool]:
    """The parts, what was said at the end, and whether it was the end."""
    reader, parts, part, fields = RecordReader(), dict[int, bytes](), 0, dict[str, object]()
    async for data in records:
        reader.feed(data)
        while (record := reader.next_record()) is not None:
            if record.kind is Kind.BEGIN:
                part = record.part
                parts[part] = b""
            elif record.kind is Kind.DATA:
                parts[part] += record.data
            else:
                fields = record.fields
    return parts, fields, reader.is_finished


def form(*parts: tuple[str, bytes]) -> bytes:
    made = (
        b'--frontier\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return b"".join(made) + b"--frontier--\r\n"


async def test_files_before_and_after_their_names_reach_the_agent() -> None:
    body = form(
        ("files[1].file", b"one" * 200_000),
        ("files[1].dest_path", b"a/one"),
        ("files.0.dest_path", b"a/\xff"),
        ("files.0.file", b""),
    )
    parts, fields, is_finished = await read(form_records(pieces_of(body), TYPE, FilesForm()))
    assert parts == {0: b"one" * 200_000, 1: b""} and is_finished
    assert fields == {"files": [{"part": 0, "dest_b64": "YS9vbmU="}, {"part": 1, "dest_b64": "YS//"}]}


@pytest.mark.parametrize("size", [7, 5000, 1 << 20])
async def test_an_archive_is_unpacked_on_the_way(codec: ZstdCodec, size: int) -> None:
    plain = bytes(range(256)) * 4000
    body = form(("archive", zstandard.compress(plain)), ("dest_path", b"x"), ("strip_components", b"1"))
    async with codec.decompressor(max_bytes=1 << 30) as decompressor:
        records = form_records(pieces_of(body, size), TYPE, ArchiveForm("archive"), decompressor)
        parts, fields, is_finished = await read(records)
    assert parts == {0: plain} and is_finished
    assert fields == {"dest_b64": "eA==", "strip_components": 1, "replace": False}


async def test_a_body_that_is_the_archive_goes_the_same_way(codec: ZstdCodec) -> None:
    plain = bytes(range(256)) * 4000
    told = archive_fields({"dest_path": b"x"})
    async with codec.decompressor(max_bytes=1 << 30) as decompressor:
        packed = await read(raw_records(pieces_of(zstandard.compress(plain)), told, decompressor))
    assert packed == await read(raw_records(pieces_of(plain), told)) == ({0: plain}, told, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form(("dest_path", b"x" * 5000), ("file", b"")), "dest_path"),
        (form(("file", b"x")), "dest_path"),
        (ONE_FILE, None),
        (ONE_FILE + b"--frontier\r\nX: y\r\n\r\n", None),
    ],
)
async def test_a_form_that_fails_ends_without_an_end(body: bytes, field: str | None) -> None:
    reader = RecordReader()
    with pytest.raises(InvalidError) as caught:
        async for record in form_records(pieces_of(body), TYPE, FilesForm()):
            reader.feed(record)
            while reader.next_record() is not None:
                continue
    assert not reader.is_finished and caught.value.fields.get("field") == field


async def test_an_archive_cut_short_ends_without_an_end(codec: ZstdCodec) -> None:
    body = form(("archive", zstandard.compress(b"x" * 1000)[:-2]), ("dest_path", b"x"))
    async with codec.decompressor(max_bytes=1 << 30) as decompressor:
        with pytest.raises(InvalidError, match="cut short"):
            await read(form_records(pieces_of(body), TYPE, ArchiveForm("archive"), decompressor))
