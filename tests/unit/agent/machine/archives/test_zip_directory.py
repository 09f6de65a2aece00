"""What no archive of a test is large enough for: more entries and bytes than the old numbers can say."""

import io
import os
import zipfile

from cloche.agent.machine.archives.zip_directory import Directory, Entry
from cloche.agent.machine.archives.zip_reader import ZipReader


def entry(name: bytes, **values: int | bool) -> Entry:
    return Entry(name, 0, 0o100644 << 16, 1_700_000_000, offset=0)._replace(**values)


def test_more_entries_than_sixteen_bits_can_count_are_told_in_sixty_four() -> None:
    body, directory = bytearray(), Directory()
    for nth in range(66_000):
        item = entry(b"%d" % nth, offset=len(body))
        body += item.local()
        directory.add(item)
    offset = len(body)
    for piece in directory.pieces():
        assert len(piece) <= 256 * 1024
        body += piece
    body += directory.end(offset, b"a comment")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert len(archive.namelist()) == 66_000
        assert archive.comment == b"a comment"
        assert archive.read("65999") == b""
    fd = os.memfd_create("archive")
    try:
        os.write(fd, body)
        assert sum(1 for _ in ZipReader(fd).members()) == 66_000
    finally:
        os.close(fd)


def test_sizes_and_offsets_past_four_gigabytes_are_told_in_sixty_four_bits() -> None:
    directory = Directory()
    large = entry(b"large", is_zip64=True, size=5 << 30, packed_bytes=(5 << 30) + 10, crc=7)
    directory.add(large)
    directory.add(entry(b"behind", offset=6 << 30))
    central = b"".join(directory.pieces())
    # A reader that believes no offset before the directory: what stands there is looked at only when it is opened.
    archive = zipfile.ZipFile(io.BytesIO(central + directory.end(0, b"")))
    sizes = {info.filename: (info.file_size, info.compress_size, info.header_offset) for info in archive.infolist()}
    assert sizes == {"large": (5 << 30, (5 << 30) + 10, 0), "behind": (0, 0, 6 << 30)}
    assert directory.end(7 << 30, b"").startswith(b"PK\x06\x06")


def test_a_header_before_content_of_unknown_size_says_nothing_of_it() -> None:
    assert entry(b"a", flags=8, crc=1, size=2, packed_bytes=3).local()[14:26] == bytes(12)
    assert entry(b"a", flags=8, is_zip64=True).local()[18:26] == b"\xff" * 8


def test_a_time_that_four_bytes_cannot_say_is_left_out() -> None:
    assert len(entry(b"a", mtime=1 << 40).local()) == len(entry(b"a").local()) - 9
