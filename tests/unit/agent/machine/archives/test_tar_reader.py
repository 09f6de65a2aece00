"""Tar archives that are meant badly, damaged, or only unusual."""

import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.archives import limits, tree
from cloche.agent.machine.archives.members import Kind, Member
from cloche.agent.machine.archives.tar_reader import MAX_META_BYTES, TarReader
from cloche.agent.machine.problem import Problem

from .conftest import Session, content, entry, tar_of

LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


def raw(
    name: bytes = b"file", size: bytes = b"00000000001\0", type_: bytes = b"0", mtime: bytes = b"0" * 11 + b"\0"
) -> bytes:
    """A header with the right sum, whatever stands in it."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136], block[136:148] = size, mtime
    block[148:156] = b" " * 8
    block[156:157] = type_
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(type_: bytes, body: bytes) -> bytes:
    return raw(b"x", b"%011o\0" % len(body), type_) + body + bytes(-len(body) % 512)


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length = len(str(length)) + len(key) + len(value) + 3
    return b"%d %b=%b\n" % (length, key, value)


BODY = b"x" + bytes(511)
END = bytes(1024)
GOOD = tar_of(entry("d", type=tarfile.DIRTYPE), entry("d/file", b"content"))

REFUSED: dict[str, tuple[bytes, str]] = {
    "up": (tar_of(entry("../evil", b"x")), "leaves_destination"),
    "up in the middle": (tar_of(entry("a/../../evil", b"x")), "leaves_destination"),
    "up and down": (tar_of(entry("a/../b", b"x")), "leaves_destination"),
    "a directory that is up": (tar_of(entry("..", type=tarfile.DIRTYPE)), "leaves_destination"),
    "absolute": (tar_of(entry("/etc/evil", b"x")), "absolute_name"),
    "an absolute directory": (tar_of(entry("/", type=tarfile.DIRTYPE)), "absolute_name"),
    "absolute by extension": (extended(b"x", record(b"path", b"/evil")) + raw() + BODY, "absolute_name"),
    "up by a long name": (extended(b"L", b"a/../../evil\0") + raw() + BODY, "leaves_destination"),
    "a link out": (tar_of(entry("a/l", type=LINK, linkname="../../out")), "link_leaves"),
    "an absolute link": (tar_of(entry("l", type=LINK, linkname="/etc/passwd")), "link_leaves"),
    "a link up through a name": (tar_of(entry("d/l", type=LINK, linkname="x/../../out")), "link_leaves"),
    "a link to where it stands": (tar_of(entry("l", type=LINK, linkname="..")), "link_leaves"),
    "a link to nothing": (tar_of(entry("l", type=LINK, linkname="")), "bad_archive"),
    "a file below a link": (tar_of(entry("l", type=LINK, linkname="d"), entry("l/file", b"x")), "duplicate_name"),
    "a link where a directory is": (
        tar_of(entry("l/file", b"x"), entry("l", type=LINK, linkname="d")), "duplicate_name",
    ),
    "a hard link out": (tar_of(entry("h", type=HARD, linkname="../out")), "leaves_destination"),
    "an absolute hard link": (tar_of(entry("h", type=HARD, linkname="/etc/passwd")), "absolute_name"),
    "a hard link to what comes later": (tar_of(entry("h", type=HARD, linkname="f"), entry("f", b"x")), "bad_archive"),
    "a hard link to a directory": (
        tar_of(entry("d", type=tarfile.DIRTYPE), entry("h", type=HARD, linkname="d")), "bad_archive",
    ),
    "a hard link to a link": (
        tar_of(entry("l", type=LINK, linkname="x"), entry("h", type=HARD, linkname="l")), "bad_archive",
    ),
    "a hard link to itself": (tar_of(entry("h", type=HARD, linkname="h")), "bad_archive"),
    "a hard link to all of it": (tar_of(entry("h", type=HARD, linkname=".")), "bad_archive"),
    "a FIFO": (tar_of(entry("p", type=tarfile.FIFOTYPE)), "special_file"),
    "a character device": (tar_of(entry("c", type=tarfile.CHRTYPE, devmajor=1, devminor=5)), "special_file"),
    "a block device": (tar_of(entry("b", type=tarfile.BLKTYPE)), "special_file"),
    "twice": (tar_of(entry("a", b"1"), entry("a", b"2")), "duplicate_name"),
    "twice, spelt otherwise": (tar_of(entry("a/b", b"1"), entry("./a//b", b"2")), "duplicate_name"),
    "a directory twice": (
        tar_of(entry("d", type=tarfile.DIRTYPE), entry("d/", type=tarfile.DIRTYPE)), "duplicate_name",
    ),
    "a file, then a directory": (tar_of(entry("a", b"1"), entry("a", type=tarfile.DIRTYPE)), "duplicate_name"),
    "a directory, then a file": (tar_of(entry("a", type=tarfile.DIRTYPE), entry("a", b"1")), "duplicate_name"),
    "a file below a file": (tar_of(entry("a", b"1"), entry("a/b", b"2")), "duplicate_name"),
    "a file without a name": (raw(b".") + BODY, "bad_archive"),
    "a name of more than 4096 bytes": (tar_of(entry("a/" * 2100 + "b", b"x")), "bad_archive"),
    "a part of more than 255 bytes": (tar_of(entry("a" * 256, b"x")), "bad_archive"),
    "more than 256 directories deep": (tar_of(entry("a/" * 257 + "b", b"x")), "bad_archive"),
    "holes": (raw(type_=b"S") + BODY, "bad_archive"),
    "holes by extension": (
        extended(b"x", record(b"GNU.sparse.major", b"1")) + raw() + BODY, "bad_archive",
    ),
    "an unknown kind": (raw(type_=b"M") + BODY, "bad_archive"),
    "a negative size": (raw(size=b"\xff" * 12) + BODY, "bad_archive"),
    "a size with a sign": (raw(size=b"-0000000001\0") + BODY, "bad_archive"),
    "a huge size": (raw(size=b"\x80" + b"\xff" * 11) + BODY, "too_large"),
    "a size of 8 GiB": (raw(size=b"77777777777\0") + BODY, "too_large"),
    "a size that is no number": (raw(size=b"size of it \0") + BODY, "bad_archive"),
    "a huge size by extension": (extended(b"x", record(b"size", b"9" * 18)) + raw() + BODY, "too_large"),
    "no size by extension": (extended(b"x", record(b"size", b"-1")) + raw() + BODY, "bad_archive"),
    "a time that is none": (extended(b"x", record(b"mtime", b"now")) + raw() + BODY, "bad_archive"),
    "a link with content": (raw(type_=b"2") + BODY, "bad_archive"),
    "an extension of absurd size": (raw(size=b"%011o\0" % (MAX_META_BYTES + 1), type_=b"x"), "bad_archive"),
    "an extension of negative size": (raw(size=b"\xff" * 12, type_=b"x"), "bad_archive"),
    "a record of wrong length": (extended(b"x", b"99 path=a\n") + raw() + BODY, "bad_archive"),
    "a record of no length": (extended(b"x", b"path=a\n") + raw() + BODY, "bad_archive"),
    "a record of length zero": (extended(b"x", b"0 path=a\n") + raw() + BODY, "bad_archive"),
    "a record without a key": (extended(b"x", b"5 =a\n") + raw() + BODY, "bad_archive"),
    "a NUL in a name": (extended(b"x", record(b"path", b"a\0b")) + raw() + BODY, "bad_archive"),
    "a name for everything": (extended(b"g", record(b"path", b"a")) + raw() + BODY, "bad_archive"),
    "an extension of nothing": (extended(b"x", record(b"path", b"a")) + END, "bad_archive"),
    "cut in a header": (GOOD[:700], "bad_archive"),
    "cut in the content": (tar_of(entry("a", b"x" * 5000))[:3000], "bad_archive"),
    "cut in the padding": (GOOD[:1600], "bad_archive"),
    "more after the end": (GOOD + GOOD, "bad_archive"),
    "one block of zeros in between": (raw() + BODY + bytes(512) + raw(b"b") + BODY + END, "bad_archive"),
    "nothing": (b"", "bad_archive"),
    "something else": (b"PK\x03\x04" + bytes(600), "bad_archive"),
    "a wrong sum": (GOOD[:10] + b"x" + GOOD[11:], "bad_archive"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_must_not_be_unpacked_is_refused_with_its_reason(session: Session, case: str) -> None:
    archive, code = REFUSED[case]
    (session.workspace / "before").write_text("before")
    before = content(session.workspace)
    for dest in (b"/workspace", b"new/place"):
        assert session.upload_archive("tar", archive, dest).refusal == f"400 {code}"
        assert content(session.workspace) == before


ACCEPTED: dict[str, tuple[bytes, dict[bytes, bytes]]] = {
    "without zeros at the end": (raw() + BODY, {b"file": b"x"}),
    "with one block of zeros": (raw() + BODY + bytes(512), {b"file": b"x"}),
    "with many": (GOOD + bytes(20480), {b"d/file": b"content"}),
    "nothing but zeros": (END, {}),
    "itself": (tar_of(entry("./", type=tarfile.DIRTYPE), entry("./a", b"x")), {b"a": b"x"}),
    "a hard link": (
        tar_of(entry("a/f", b"x"), entry("b/h", type=HARD, linkname="./a//f")), {b"a/f": b"x", b"b/h": b"x"},
    ),
    "a directory after what is in it": (tar_of(entry("d/f", b"x"), entry("d", type=tarfile.DIRTYPE)), {b"d/f": b"x"}),
    "a directory as it used to be": (raw(b"old/", b"0" * 11 + b"\0") + raw(b"old/f") + BODY, {b"old/f": b"x"}),
    "a sum of signed bytes": (b"", {}),
    "GNU's long names": (tar_of(entry("n" * 200, b"x"), format_=tarfile.GNU_FORMAT), {b"n" * 200: b"x"}),
    "extended names": (tar_of(entry("n/" * 100 + "ü", b"x")), {("n/" * 100 + "ü").encode(): b"x"}),
    "a prefix": (
        tar_of(entry("p" * 90 + "/" + "n" * 50, b"x"), format_=tarfile.USTAR_FORMAT),
        {b"p" * 90 + b"/" + b"n" * 50: b"x"},
    ),
    "a comment for everything": (extended(b"g", record(b"comment", b"a")) + raw() + BODY, {b"file": b"x"}),
    "an attribute of 64 KiB": (
        extended(b"x", record(b"SCHILY.xattr.user.a", b"a" * 65536)) + raw() + BODY, {b"file": b"x"},
    ),
    "two names that differ in case": (tar_of(entry("a", b"1"), entry("A", b"2")), {b"a": b"1", b"A": b"2"}),
}  # fmt: skip


def signed_sum() -> bytes:
    block = bytearray(raw(b"\xff\xfe"))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in block)
    return bytes(block) + BODY


ACCEPTED["a sum of signed bytes"] = (signed_sum(), {b"\xff\xfe": b"x"})


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_only_unusual_is_unpacked(session: Session, case: str) -> None:
    archive, expected = ACCEPTED[case]
    reply = session.upload_archive("tar", archive)
    assert reply.status == 201, reply.json
    found = content(session.workspace / "d")
    assert {path: item[1] for path, item in found.items() if item[0] == "file"} == expected


def test_hard_links_stay_one_file(session: Session) -> None:
    session.upload_archive("tar", tar_of(entry("a", b"x"), entry("b", type=HARD, linkname="a")), strip_components=0)
    assert (session.workspace / "d/a").stat().st_ino == (session.workspace / "d/b").stat().st_ino


def test_modes_and_times_are_kept_and_rights_to_be_someone_else_are_not(session: Session) -> None:
    archive = tar_of(
        entry("d", type=tarfile.DIRTYPE, mode=0o3000, mtime=1000),
        entry("d/f", b"x", mode=0o6755, mtime=2000.5),
        entry("d/l", type=LINK, linkname="f", mtime=3000),
        entry("old", b"x", mtime=-1000.5),
        entry("odd", b"x", mtime=10**13),
    )
    assert session.upload_archive("tar", archive).status == 201
    d = session.workspace / "d"
    assert (d / "d").stat().st_mode & 0o7777 == 0o700
    assert (d / "d").stat().st_mtime == 1000
    assert (d / "d/f").stat().st_mode & 0o7777 == 0o755
    assert (d / "d/f").stat().st_mtime_ns == 2000_500_000_000
    assert (d / "d/l").lstat().st_mtime == 3000
    assert (d / "old").stat().st_mtime == -1000.5


def test_leading_components_are_left_out(session: Session) -> None:
    archive = tar_of(
        entry("skipped", b"at the top"), entry("a", type=tarfile.DIRTYPE, mode=0o700), entry("a/f", b"f"),
        entry("a/deep/g", b"g"), entry("b/deep/h", b"h"), entry("b/deep/l", type=LINK, linkname="../f"),
    )  # fmt: skip
    reply = session.upload_archive("tar", archive, strip_components=1)
    assert reply.json["files"] == 4
    assert sorted(content(session.workspace / "d")) == [b"deep", b"deep/g", b"deep/h", b"deep/l", b"f"]
    # Without two components the link would lead out.
    assert session.upload_archive("tar", archive, b"e", strip_components=2).refusal == "400 link_leaves"
    both = tar_of(entry("a/f", b"1"), entry("b/f", b"2"))
    assert session.upload_archive("tar", both, b"e", strip_components=1).refusal == "400 duplicate_name"
    mixed = tar_of(entry("a/f", b"1"), entry("b/f/g", b"2"))
    assert session.upload_archive("tar", mixed, b"e", strip_components=1).refusal == "400 duplicate_name"
    assert session.upload_archive("tar", both, b"e", strip_components=9).json["files"] == 0
    assert not (session.workspace / "e/f").exists()


def test_too_many_entries_are_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ENTRIES", 5)
    archive = tar_of(*(entry(f"{nth}", b"") for nth in range(6)))
    assert session.upload_archive("tar", archive).refusal == "400 too_many_entries"
    assert session.upload_archive("tar", tar_of(*(entry(f"{nth}", b"") for nth in range(5)))).status == 201


def test_thousands_of_entries_are_unpacked(session: Session) -> None:
    archive = tar_of(*(entry(f"{nth // 100}/{nth}", b"x") for nth in range(3_000)))
    assert session.upload_archive("tar", archive, strip_components=1).json["files"] == 3_000
    assert len(list((session.workspace / "d").iterdir())) == 3_000


def test_names_that_must_be_remembered_are_limited(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_REMEMBERED_BYTES", 1000)
    links = (entry(f"{nth}", type=LINK, linkname="x" * 90) for nth in range(20))
    assert session.upload_archive("tar", tar_of(*links)).refusal == "400 too_large"


def read_all(data: bytes, pieces: list[int]) -> list[Any]:
    """What comes out, with the content joined."""
    reader, found, at = TarReader(), [], 0
    for size in [*pieces, len(data)]:
        for item in reader.feed(data[at : at + size]):
            if isinstance(item, Member):
                found.append((item, bytearray()))
            else:
                found[-1][1].extend(item)
        at += size
    reader.finish()
    return found


@given(st.lists(st.integers(1, 700), max_size=20))
def test_how_the_bytes_are_cut_makes_no_difference(pieces: list[int]) -> None:
    archive = tar_of(entry("n" * 300, b"content" * 200), entry("empty"), entry("l", type=LINK, linkname="t" * 200))
    assert read_all(archive, pieces) == read_all(archive, [])
    assert [(item.kind, len(data)) for item, data in read_all(archive, pieces)] == [
        (Kind.FILE, 1400), (Kind.FILE, 0), (Kind.LINK, 0),
    ]  # fmt: skip


@settings(max_examples=150)
@given(st.binary(max_size=3000))
def test_random_bytes_are_an_archive_or_refused(data: bytes) -> None:
    try:
        read_all(data, [])
    except Problem as problem:
        assert problem.status == 400


MIXED = tar_of(
    entry("dir", type=tarfile.DIRTYPE), entry("dir/" + "n" * 120, b"content" * 100),
    entry("dir/l", type=LINK, linkname="x"), entry("h", type=HARD, linkname="dir/" + "n" * 120),
    entry("tïme", b"x", mtime=1.5),
)  # fmt: skip


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(MIXED) - 1), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4
    ),
    end=st.integers(0, len(MIXED)),
    fixes=st.booleans(),
)
def test_a_damaged_archive_is_unpacked_as_a_whole_or_not_at_all(
    session: Session, changes: list[tuple[int, bytes]], end: int, fixes: bool
) -> None:
    archive = bytearray(MIXED)
    for at, data in changes:
        archive[at : at + len(data)] = data
        if fixes:  # the sum made right again, so that more than sums is tested
            start = at // 512 * 512
            block = archive[start : start + 512]
            block[148:156] = b" " * 8
            archive[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    with tempfile.TemporaryDirectory(dir=session.workspace) as directory:
        name = Path(directory).name.encode()
        reply = session.upload_archive("tar", bytes(archive[: max(end, 512)]), name + b"/d")
        assert reply.status in (201, 400), reply.json
        assert Path(directory, "d").exists() == (reply.status == 201)


def test_what_gnu_and_python_write_is_read_alike() -> None:
    for format_ in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=format_) as archive:
            for info, data in (
                entry("dir/name", b"x" * 1000, mode=0o640),
                entry("e", type=tarfile.DIRTYPE, mode=0o755),
            ):
                archive.addfile(info, io.BytesIO(data))
        (file, data), (directory, _) = read_all(buffer.getvalue(), [])
        assert (file.name, file.size, file.mode, file.mtime_ns, len(data)) == (
            b"dir/name", 1000, 0o640, 1_700_000_000 * 10**9, 1000,
        )  # fmt: skip
        assert (directory.kind, directory.name.rstrip(b"/")) == (Kind.DIRECTORY, b"e")
