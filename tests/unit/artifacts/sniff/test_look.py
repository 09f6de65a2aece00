import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
import zstandard
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
        b'"=|' * 100_000,
        b"=a" * 200_000,
        b"%PDF-" + b"#41" * 100_000,
        gzip.compress(b"") * 10_000,
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


def office(**parts: bytes) -> bytes:
    """A document; `a__b` stands for `a/b`, and for the parts' types `types`."""
    types = parts.pop("types", b"<Types/>")
    named = {name.replace("__", "/") + ".xml": data for name, data in parts.items()}
    return archive({"[Content_Types].xml": types, "word/document.xml": b"<w:document/>"} | named)


TEMPLATE = (
    b'<Relationship Type="http://o/relationships/attachedTemplate" Target="http://e/t.dotm" TargetMode="External"/>'
)
HIDDEN_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(200)


@pytest.mark.parametrize(
    "relation",
    [
        TEMPLATE,
        TEMPLATE.replace(b'"', b"'"),
        TEMPLATE.replace(b"dT", b"d&#84;"),
        TEMPLATE.replace(b"=", b" = "),
        TEMPLATE.decode().encode("utf-16"),
    ],
)
@pytest.mark.parametrize("name", ["word/_rels/settings.xml.rels", "word\\_rels\\other.xml.rels"])
def test_a_document_that_takes_a_template_from_elsewhere_acts_however_it_is_written(relation: bytes, name: str) -> None:
    members = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}
    assert look(Sample.of(archive(members))).reasons == frozenset()
    assert look(Sample.of(archive(members | {name: relation}))).reasons == {Reason.ACTIVE_CONTENT}


@pytest.mark.parametrize(
    ("parts", "reasons"),
    [
        ({"types": b"<Override ContentType='application/vnd.ms-office.vbaProject'/>"}, {Reason.MACRO}),
        ({"types": b"<Override ContentType='x.oleObject'/>"}, {Reason.ACTIVE_CONTENT}),
        ({"word__x": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)}, {Reason.ACTIVE_CONTENT}),
        ({"xl__externalLinks__a": b"<externalLink><ddeLink ddeService='cmd'/>"}, {Reason.ACTIVE_CONTENT}),
        (
            {"word__document": b"<w:instrText>DD</w:instrText><w:instrText>EAUTO c:\\cmd</w:instrText>"},
            {Reason.ACTIVE_CONTENT},
        ),
        ({"word__document": b"<w:t>DDEAUTO is a word</w:t>"}, set()),
    ],
)
def test_what_a_document_holds_is_told_by_its_parts_and_not_by_their_names(
    parts: dict[str, bytes], reasons: set[Reason]
) -> None:
    assert look(Sample.of(office(**parts))).reasons == reasons


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_program_behind_an_empty_stream_is_found(pack: Callable[[bytes], bytes]) -> None:
    assert look(Sample.of(pack(b"some text\n") + pack(b"and more\n"))).reasons == frozenset()
    assert look(Sample.of(pack(b"") + pack(HIDDEN_PROGRAM))).reasons == {Reason.ARCHIVE_WITH_EXECUTABLE}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("evil.js\u200b", {Reason.ARCHIVE_WITH_EXECUTABLE, Reason.DECEPTIVE_NAME}),
        ("a.txt:evil.exe", {Reason.ARCHIVE_WITH_EXECUTABLE}),
        ("evil.exe:x.txt", {Reason.ARCHIVE_WITH_EXECUTABLE}),
        ("evil.exe. .", {Reason.ARCHIVE_WITH_EXECUTABLE}),
        ("\u202ecod.exe", {Reason.ARCHIVE_WITH_EXECUTABLE, Reason.DECEPTIVE_NAME}),
        ("Füße: Übersicht.txt", set()),
    ],
)
def test_members_are_known_by_what_they_will_be_called(name: str, reasons: set[Reason]) -> None:
    assert look(Sample.of(archive({name: b"x"}))).reasons == reasons


def test_what_follows_an_archive_is_none_of_it() -> None:
    data = archive({"a.txt": b"a"})
    assert look(Sample.of(data + b"\r\n\0")).reasons == frozenset()
    assert look(Sample.of(data + HIDDEN_PROGRAM)).reasons == {Reason.POLYGLOT}


@pytest.mark.parametrize(
    "text",
    [
        b'ID;PWXL;N;E\nC;Y1;X1;K0;EEXEC("calc")\nE\n',
        b"name,age\n=cmd|' /C calc'!A0,3\n",
        b"name;age\n\"@SUM(1+1)*cmd|'/C calc'!A0\";3\n",
        b'a\n=DDE("cmd";"/C calc";"x")\n',
        b"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='#a'?><a/>",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY n 'http://www.w3.org/1999/xh'>]><a xmlns='&n;tml'><script/></a>",
        b"<?xml version='1.0'?><a><s:script xmlns:s='http://www.w3.org/1999/&#120;html'>1</s:script></a>",
    ],
)
def test_text_that_starts_programs_acts(text: bytes) -> None:
    assert look(Sample.of(text)).reasons == {Reason.ACTIVE_CONTENT}


def test_text_that_looks_a_little_like_it_does_not() -> None:
    text = b"a | b | c!\n- one | two!\n=SUM(A1:A2),3\n-5,+49 30 1234|5\nID;Name;Parents\n| a | !b |\n"
    styled = b"<?xml version='1.0'?><?xml-stylesheet type='text/css' href='a.css'?><a/>"
    assert look(Sample.of(text)).reasons == look(Sample.of(styled)).reasons == frozenset()


OBJECTS = b"%%PDF-1.7\n1 0 obj<</Type/ObjStm>>%bstream\r\n%b\nendstream\n%%%%EOF"


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (b"%PDF-1.7\n<</AF[2 0 R]>> <</Type/Filespec/EF<</F 3 0 R>>>>\n%%EOF", {Reason.ACTIVE_CONTENT}),
        (OBJECTS % (b"", zlib.compress(b"<</S/JavaScript>>")), {Reason.ACTIVE_CONTENT}),
        (
            OBJECTS.replace(b"ObjStm", b"#4fbjSt#6D") % (b"", zlib.compress(b"<</S/JavaScript>>")),
            {Reason.ACTIVE_CONTENT},
        ),
        (OBJECTS % (b"", b"2f4a617661536372697074>"), {Reason.NOT_INSPECTED}),
        (OBJECTS % (b"", zlib.compress(bytes(1 << 20))), {Reason.NOT_INSPECTED}),
        (OBJECTS % (b"", zlib.compress(b"<</Type/Page>>")), set()),
    ],
)
def test_what_a_pdf_file_packs_is_unpacked_or_not_trusted(data: bytes, reasons: set[Reason]) -> None:
    assert look(Sample.of(data)).reasons == reasons
