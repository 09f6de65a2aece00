import io
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import MAX_PEEKS, MAX_UNPACKED_BYTES, Budget
from cloche.artifacts.sniff.look import look
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.types import TYPES

MAGIC = st.sampled_from(sorted({magic for one in TYPES for _, magic in one.signatures}))


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


@settings(max_examples=200)
@given(st.lists(st.one_of(MAGIC, st.binary(max_size=80)), max_size=12).map(b"".join), st.integers(0, 1 << 33))
def test_nothing_is_too_strange_to_be_looked_at(data: bytes, more: int) -> None:
    budget = Budget()
    look(Sample.of(data, data, len(data) + more), budget)
    assert budget.depth == 0 and budget.bytes_left >= -1


def test_no_more_is_unpacked_than_the_budget_has() -> None:
    zeros = bytes(300_000)
    inner = archive({f"{index}.txt": zeros for index in range(20)})
    budget = Budget()

    look(Sample.of(archive({f"{index}.zip": inner for index in range(20)})), budget)

    assert 0 <= budget.bytes_left < MAX_UNPACKED_BYTES and 0 <= budget.peeks_left < MAX_PEEKS


def test_a_renamed_program_is_found_in_an_archive_of_thousands() -> None:
    program = b"MZ".ljust(60, b"\x00") + (64).to_bytes(4, "little") + b"PE\x00\x00"
    members = {"first.txt": program} | {f"{index}.txt": b"x" for index in range(500)}
    assert Reason.ARCHIVE_WITH_EXECUTABLE in look(Sample.of(archive(members))).reasons


def test_a_directory_of_as_many_entries_as_can_be_is_read_as_far_as_it_goes() -> None:
    out = archive({"a.txt": b"a"})
    at = out.index(b"PK\x05\x06")
    lying = out[: at + 8] + b"\xfe\xff\xfe\xff" + out[at + 12 :]
    assert look(Sample.of(lying)).reasons == {Reason.ARCHIVE_NOT_INSPECTED}


def test_the_directory_of_a_large_archive_is_read_from_its_end() -> None:
    noise = bytes(index * index * 31 % 251 for index in range(400_000))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("noise.dat", noise)
        file.writestr("setup.exe", b"x")
    data = out.getvalue()

    content = look(Sample.of(data[:65536], data[-65536:], len(data)))

    assert content.reasons == {Reason.ARCHIVE_WITH_EXECUTABLE}


def test_an_archive_whose_directory_was_not_sampled_is_not_inspected() -> None:
    data = archive({f"a rather long name for a file, number {index}.txt": b"" for index in range(2000)})
    assert look(Sample.of(data[:65536], data[-65536:], len(data))).reasons == {Reason.ARCHIVE_NOT_INSPECTED}


@pytest.mark.parametrize(
    "data",
    [
        b"<svg>" + b"\n" * 200_000,
        b"<html>" + b" onload" * 20_000,
        b'<html http-equiv="x" http-equiv=' + b" " * 100_000,
        b"<html>" + b"&#0000000" * 20_000,
        b"<html>" + b"<" * 200_000,
        b"{\\rtf" + b"\\template " * 20_000,
        b"%PDF-" + b"/ObjStm stream\n" * 20_000,
        b"%PDF-" + b"MZ" * 100_000,
        b"GIF89a" + b"<?=" * 60_000,
        b"PK\x03\x04" + b"PK\x05\x06" * 50_000,
        b"PK\x03\x04" + b"PK\x01\x02" * 50_000,
    ],
    ids=lambda data: repr(data[5:24]),
)
def test_what_is_made_to_be_slow_is_not(data: bytes) -> None:
    """Each of these once took, or would take with a careless pattern, time by the square of its length."""
    look(Sample.of(data))


@pytest.mark.parametrize(
    ("kind", "name", "target", "is_safe"),
    [
        (tarfile.SYMTYPE, "lib/libx.so.md", "../real/x.md", True),
        (tarfile.SYMTYPE, "./a.md", "b.md", True),
        (tarfile.SYMTYPE, "a.md", "../b.md", False),
        (tarfile.SYMTYPE, "lib/a.md", "/etc/passwd", False),
        (tarfile.LNKTYPE, "./lib/a.md", "./lib/b.md", True),
        (tarfile.LNKTYPE, "lib/a.md", "../b.md", False),
        (tarfile.REGTYPE, "a/../../b.md", "", False),
        (tarfile.REGTYPE, "/b.md", "", False),
        (tarfile.REGTYPE, "a/..b.md", "", True),
    ],
)
def test_what_would_be_unpacked_elsewhere_is_told(kind: bytes, name: str, target: str, is_safe: bool) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        file.addfile(entry)
    reasons = look(Sample.of(out.getvalue())).reasons
    assert reasons == (frozenset() if is_safe else {Reason.ARCHIVE_UNSAFE_PATH})


def test_links_in_zip_archives_are_followed_too() -> None:
    for target, reasons in (("b.txt", set()), ("/etc/passwd", {Reason.ARCHIVE_UNSAFE_PATH})):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            entry = zipfile.ZipInfo("a.txt")
            entry.create_system, entry.external_attr = 3, 0o120777 << 16
            file.writestr(entry, target)
        assert look(Sample.of(out.getvalue())).reasons == reasons


@given(first=st.integers(0, 400))
def test_a_member_cut_by_the_end_of_the_sample_is_no_lie(first: int) -> None:
    data = archive({f"folder/name-{index}.txt": b"hello" for index in range(8)})
    assert look(Sample.of(data[: 40 + first], data[-560:], len(data))).reasons <= {Reason.ARCHIVE_NOT_INSPECTED}


def test_a_large_document_of_old_office_is_only_trusted_if_it_was_seen() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
    assert Reason.NOT_INSPECTED in look(Sample.of(data[:1000], data[-500:], len(data))).reasons


def test_the_middle_of_a_large_picture_in_svg_is_not_trusted() -> None:
    data = b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g/>" * 500 + b"</svg>"
    assert look(Sample.of(data)).reasons == frozenset()
    assert look(Sample.of(data[:500], data[-500:], len(data))).reasons == {Reason.NOT_INSPECTED}
