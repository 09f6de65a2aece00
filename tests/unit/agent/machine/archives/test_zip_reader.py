"""Zip archives that are meant badly, damaged, or only unusual."""

import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.archives import limits, zip_reader
from cloche.agent.machine.archives.zip_reader import ZipReader
from cloche.agent.machine.problem import Problem

from .conftest import Session, content, zip_of


class Part(NamedTuple):
    """An entry written by hand, so that it can say what is not so."""

    name: bytes
    data: bytes = b"x"
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    made_by: int = 3 << 8
    attributes: int | None = None
    extra: bytes = b""
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_method: int | None = None
    offset: int | None = None
    disk: int = 0
    date: int = 33

    def packed(self) -> bytes:
        return zlib.compress(self.data, 9, wbits=-15) if self.method == 8 else self.data

    def facts(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        packed = len(self.packed()) if self.packed_size is None else self.packed_size
        return crc, packed, len(self.data) if self.size is None else self.size


def by_hand(*parts: Part, before: bytes = b"", comment: bytes = b"", **end: int) -> bytes:
    """`end` overrides what the archive says of itself: count, here, size, offset, disk."""
    body, directory = bytearray(before), b""
    for part in parts:
        crc, packed, size = part.facts()
        offset = len(body) if part.offset is None else part.offset
        local_name = part.name if part.local_name is None else part.local_name
        method = part.method if part.local_method is None else part.local_method
        body += struct.pack(
            "<4s5H3I2H", b"PK\3\4", 20, part.flags, method, 0, part.date, crc, packed,
            size if part.local_size is None else part.local_size, len(local_name), 0,
        ) + local_name + part.packed()  # fmt: skip
        attributes = part.mode << 16 if part.attributes is None else part.attributes
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", part.made_by, 20, part.flags, part.method, 0, part.date, crc, packed, size,
            len(part.name), len(part.extra), 0, part.disk, 0, attributes, offset,
        ) + part.name + part.extra  # fmt: skip
    count = end.get("count", len(parts))
    return bytes(body) + directory + struct.pack(
        "<4s4H2IH", b"PK\5\6", end.get("disk", 0), 0, end.get("here", count), count, end.get("size", len(directory)),
        end.get("offset", len(body)), end.get("comment_size", len(comment)),
    ) + comment  # fmt: skip


LINK = stat.S_IFLNK | 0o777


def overlapping() -> bytes:
    """Two entries whose content is the same bytes, the first having the second's header as its own content."""
    inner = by_hand(Part(b"inner", b"bomb" * 100))[: 30 + 5 + 400]
    return by_hand(Part(b"outer", inner), Part(b"inner", b"bomb" * 100, offset=30 + 5))


def zip64_end(**values: int) -> bytes:
    """A good archive whose numbers stand in a 64-bit record, or bad ones do."""
    archive = by_hand(Part(b"file"))
    at = archive.index(b"PK\1\2")
    size = len(archive) - 22 - at
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\6\6", values.get("rest", 44), 45, 45, 0, 0, values.get("count", 1), values.get("count", 1),
        values.get("size", size), values.get("offset", at),
    )  # fmt: skip
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, values.get("at", at + size), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return archive[:-22] + record + locator + end


GOOD = by_hand(Part(b"d/file", b"content " * 50, 8), Part(b"d/", b"", mode=0o40755), Part(b"l", b"d/file", mode=LINK))
FILE = by_hand(Part(b"file", b"content"))

REFUSED: dict[str, tuple[bytes, str]] = {
    "up": (by_hand(Part(b"../evil")), "leaves_destination"),
    "up in the middle": (by_hand(Part(b"a/../../evil")), "leaves_destination"),
    "absolute": (by_hand(Part(b"/etc/evil")), "absolute_name"),
    "a NUL in a name": (by_hand(Part(b"a\0b")), "bad_archive"),
    "a name of more than 4096 bytes": (by_hand(Part(b"a/" * 2100 + b"b")), "bad_archive"),
    "a part of more than 255 bytes": (by_hand(Part(b"a" * 256)), "bad_archive"),
    "a file without a name": (by_hand(Part(b"")), "bad_archive"),
    "a name that is not the UTF-8 it should be": (by_hand(Part(b"\xff\xfe", flags=1 << 11)), "bad_archive"),
    "a link out": (by_hand(Part(b"a/l", b"../../out", mode=LINK)), "link_leaves"),
    "an absolute link": (by_hand(Part(b"l", b"/etc/passwd", mode=LINK)), "link_leaves"),
    "a link that unpacks to a lot": (by_hand(Part(b"l", b"a" * 5000, 8, mode=LINK)), "bad_archive"),
    "a link to nothing": (by_hand(Part(b"l", b"", mode=LINK)), "bad_archive"),
    "a FIFO": (by_hand(Part(b"p", b"", mode=stat.S_IFIFO | 0o644)), "special_file"),
    "a device": (by_hand(Part(b"c", b"", mode=stat.S_IFCHR | 0o644)), "special_file"),
    "a socket": (by_hand(Part(b"s", b"", mode=stat.S_IFSOCK | 0o644)), "special_file"),
    "twice": (by_hand(Part(b"a"), Part(b"a")), "duplicate_name"),
    "twice, spelt otherwise": (by_hand(Part(b"a/b"), Part(b"./a//b")), "duplicate_name"),
    "a file and a directory": (by_hand(Part(b"a"), Part(b"a/", b"", mode=0o40755)), "duplicate_name"),
    "a directory with content": (by_hand(Part(b"a/")), "bad_archive"),
    "a directory that is a link": (by_hand(Part(b"a/", b"", mode=LINK)), "bad_archive"),
    "encrypted": (by_hand(Part(b"a", flags=1)), "bad_archive"),
    "strongly encrypted": (by_hand(Part(b"a", flags=1 << 6)), "bad_archive"),
    "with masked headers": (by_hand(Part(b"a", flags=1 << 13)), "bad_archive"),
    "a patch": (by_hand(Part(b"a", flags=1 << 5)), "bad_archive"),
    "packed by bzip2": (by_hand(Part(b"a", method=12)), "bad_archive"),
    "packed by something": (by_hand(Part(b"a", method=99)), "bad_archive"),
    "a wrong checksum": (by_hand(Part(b"a", crc=1)), "bad_archive"),
    "another name before the content": (by_hand(Part(b"a", local_name=b"b")), "bad_archive"),
    "another size before the content": (by_hand(Part(b"a", local_size=2)), "bad_archive"),
    "packed otherwise before the content": (by_hand(Part(b"a", local_method=8)), "bad_archive"),
    "more than it says": (by_hand(Part(b"a", b"content" * 100, 8, size=10)), "bad_archive"),
    "a great deal more than it says": (by_hand(Part(b"a", bytes(30 << 20), 8, size=10)), "bad_archive"),
    "less than it says": (by_hand(Part(b"a", b"content", 8, size=1000)), "bad_archive"),
    "stored and of two sizes": (by_hand(Part(b"a", size=1000)), "bad_archive"),
    "packed, and not to its end": (by_hand(Part(b"a", b"content" * 9, 8, packed_size=5)), "bad_archive"),
    "packed, and something behind it": (by_hand(Part(b"a", b"c", 8, packed_size=9), Part(b"b")), "bad_archive"),
    "what cannot be unpacked": (by_hand(Part(b"a", b"\xff" * 100, 0, packed_size=100)).replace(
        b"\0\0\0\0!\0", b"\x08\0\0\0!\0"), "bad_archive"),
    "overlapping": (overlapping(), "bad_archive"),
    "the same content twice": (by_hand(Part(b"a"), Part(b"a", offset=0), Part(b"c")), "bad_archive"),
    "content in the directory": (by_hand(Part(b"a", packed_size=500, size=500)), "bad_archive"),
    "an entry outside": (by_hand(Part(b"a", offset=10_000)), "bad_archive"),
    "an entry far outside": (by_hand(Part(b"a", offset=0xFFFFFFFE)), "bad_archive"),
    "an entry that is none": (by_hand(Part(b"a"), Part(b"b", offset=3)), "bad_archive"),
    "an entry on another disk": (by_hand(Part(b"a", disk=1)), "bad_archive"),
    "another disk": (by_hand(Part(b"a"), disk=1), "bad_archive"),
    "entries on other disks": (by_hand(Part(b"a"), here=2), "bad_archive"),
    "more entries than there are": (by_hand(Part(b"a"), count=2), "bad_archive"),
    "fewer entries than there are": (by_hand(Part(b"a"), Part(b"b"), count=1), "bad_archive"),
    "entries of all of a directory": (by_hand(Part(b"a"), count=60_000), "bad_archive"),
    "a directory elsewhere": (by_hand(Part(b"a"), offset=5), "bad_archive"),
    "a directory before the beginning": (b"junk" + GOOD, "bad_archive"),
    "a directory of more than there is": (by_hand(Part(b"a"), size=0xFFFFFFF0), "bad_archive"),
    "something after the end": (GOOD + b"more", "bad_archive"),
    "a comment longer than there is": (by_hand(Part(b"a"), comment=b"abc", comment_size=100), "bad_archive"),
    "a 64-bit size": (
        by_hand(
            Part(b"a", size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=struct.pack("<HHQQ", 1, 16, 1 << 63, 1 << 63))
        ),
        "too_large",
    ),
    "a 64-bit offset": (
        by_hand(Part(b"a", offset=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, (1 << 64) - 1))), "bad_archive",
    ),
    "64 bits that lead nowhere": (zip64_end(at=1 << 63), "bad_archive"),
    "64 bits of too many": (zip64_end(count=1 << 60), "bad_archive"),
    "64 bits of a directory too large": (zip64_end(size=1 << 62), "bad_archive"),
    "64 bits of an offset too large": (zip64_end(offset=(1 << 64) - 1), "bad_archive"),
    "64 bits and something more": (zip64_end(rest=1 << 40), "bad_archive"),
    "cut at the end": (GOOD[:-1], "bad_archive"),
    "cut in the middle": (GOOD[: len(GOOD) // 2], "bad_archive"),
    "nothing": (b"", "bad_archive"),
    "something else": (b"\x1f\x8b" + bytes(1000), "bad_archive"),
    "only an end that lies": (struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0), "bad_archive"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_must_not_be_unpacked_is_refused_with_its_reason(session: Session, case: str) -> None:
    archive, code = REFUSED[case]
    (session.workspace / "before").write_text("before")
    before = content(session.workspace)
    for dest in (b"/workspace", b"new/place"):
        assert session.upload_archive("zip", archive, dest).refusal == f"400 {code}"
        assert content(session.workspace) == before


@contextmanager
def patched(**values: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(limits, name, value)
        yield


ACCEPTED: dict[str, tuple[bytes, dict[bytes, bytes]]] = {
    "nothing in it": (by_hand(), {}),
    "a comment": (by_hand(Part(b"a"), comment=b"said of it"), {b"a": b"x"}),
    "a comment with an end in it": (by_hand(Part(b"a"), comment=b"PK\5\6" * 30), {b"a": b"x"}),
    "something before it that it knows of": (by_hand(Part(b"a"), before=b"#!/bin/sh\n"), {b"a": b"x"}),
    "a name that is not UTF-8": (by_hand(Part(b"\xff\xfe")), {b"\xff\xfe": b"x"}),
    "a name that is": (by_hand(Part("ü".encode(), flags=1 << 11)), {"ü".encode(): b"x"}),
    "made under DOS": (by_hand(Part(b"d", b"", made_by=0, attributes=0x10), Part(b"d/a", made_by=0)), {b"d/a": b"x"}),
    "64 bits without need": (zip64_end(), {b"file": b"x"}),
    "a date that is none": (by_hand(Part(b"a", date=0)), {b"a": b"x"}),
    "the directory itself": (by_hand(Part(b"./", b"", mode=0o40755), Part(b"a")), {b"a": b"x"}),
    "zeros, within reason": (by_hand(Part(b"a", bytes(8 << 20), 8)), {b"a": bytes(8 << 20)}),
    "an empty file, packed": (by_hand(Part(b"a", b"", 8)), {b"a": b""}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_only_unusual_is_unpacked(session: Session, case: str) -> None:
    archive, expected = ACCEPTED[case]
    reply = session.upload_archive("zip", archive)
    assert reply.status == 201, reply.json
    found = content(session.workspace / "d")
    assert {path: item[1] for path, item in found.items() if item[0] == "file"} == expected


def test_the_modules_own_writer_is_understood(session: Session) -> None:
    info = zipfile.ZipInfo("set-uid", (2020, 2, 3, 4, 5, 6))
    info.external_attr = 0o106751 << 16
    archive = zip_of((info, b"content"), ("plain", b"text " * 1000), ("d/", b""))
    assert session.upload_archive("zip", archive).status == 201
    status = (session.workspace / "d/set-uid").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o751, 1580702706)
    assert (session.workspace / "d/plain").read_bytes() == b"text " * 1000


def test_a_bomb_is_refused_before_it_is_unpacked(session: Session) -> None:
    with patched(FREE_BYTES=1 << 20):
        archive = by_hand(Part(b"bomb", bytes(20 << 20), 8))
        assert session.upload_archive("zip", archive).refusal == "400 too_compressed"
        assert session.upload_archive("zip", by_hand(Part(b"file", bytes(1 << 20), 8))).status == 201


def test_the_size_of_all_together_is_limited(session: Session) -> None:
    with patched(MAX_TOTAL_BYTES=10_000):
        archive = by_hand(*(Part(b"%d" % nth, bytes(3000), 8) for nth in range(4)))
        assert session.upload_archive("zip", archive).refusal == "400 too_large"


def test_too_many_entries_are_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_ENTRIES", 5)
    archive = by_hand(*(Part(b"%d" % nth) for nth in range(6)))
    assert session.upload_archive("zip", archive).refusal == "400 too_many_entries"


def test_links_and_directories_are_what_they_were(session: Session) -> None:
    assert session.upload_archive("zip", GOOD, strip_components=0).json == {"files": 2, "bytes": 400, "notes": []}
    assert os.readlink(session.workspace / "d/l") == "d/file"
    assert (session.workspace / "d/l").read_bytes() == b"content " * 50


@contextmanager
def opened(data: bytes) -> Iterator[int]:
    fd = os.memfd_create("archive")
    try:
        os.write(fd, data)
        yield fd
    finally:
        os.close(fd)


def read_all(data: bytes) -> list[bytes]:
    with opened(data) as fd:
        reader = ZipReader(fd)
        found = list(reader.members())
        return [b"".join(reader.content(item)) for item in found]


@settings(max_examples=150)
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_an_archive_or_refused(data: bytes, has_end: bool) -> None:
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, min(len(data), 60), max(0, len(data) - 60), 0)
    try:
        read_all(data + (end if has_end else b""))
    except Problem as problem:
        assert problem.status == 400


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(GOOD) - 1), st.sampled_from([b"\0", b"\xff", b"\xff\xff\xff\xff", b"PK", b"\x08", b"/"])
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_damaged_archive_gives_no_more_than_it_says(changes: list[tuple[int, bytes]]) -> None:
    archive = bytearray(GOOD)
    for at, data in changes:
        archive[at : at + len(data)] = data
    try:
        assert sum(map(len, read_all(bytes(archive)))) <= 1 << 20
    except Problem as problem:
        assert problem.status == 400


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_archive_is_unpacked_as_a_whole_or_not_at_all(
    session: Session, changes: list[tuple[int, int]]
) -> None:
    archive = bytearray(GOOD)
    for at, byte in changes:
        archive[at] = byte
    with tempfile.TemporaryDirectory(dir=session.workspace) as directory:
        reply = session.upload_archive("zip", bytes(archive), Path(directory).name.encode() + b"/d")
        assert reply.status in (201, 400), reply.json
        assert Path(directory, "d").exists() == (reply.status == 201)


def test_what_is_packed_and_holds_nothing_still_comes_in_pieces(tmp_path: Path) -> None:
    empty = b"\0\0\0\xff\xff" * 100_000 + b"\1\0\0\xff\xff"
    (tmp_path / "empty").write_bytes(empty)
    with open(tmp_path / "empty", "rb") as file:
        reader = object.__new__(ZipReader)
        reader._fd = file.fileno()
        pieces = list(reader._inflated(0, len(empty)))
    assert len(pieces) >= len(empty) // 65536
    assert not any(pieces)
