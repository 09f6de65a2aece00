import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.artifacts.names import MAX_NAME_BYTES, extension_before, extension_of, safe_name

NASTY = st.text(
    st.one_of(
        st.sampled_from('/\\.. -<>:"|?*\x00\r\n\u202e\u2066\u200b\ufeff\ud800\u0301é'),
        st.characters(),
        st.sampled_from("conauxNUL.txt1"),
    ),
    max_size=400,
)


@given(NASTY)
def test_any_name_becomes_one_that_is_safe_everywhere(suggested: str) -> None:
    name = safe_name(suggested).text

    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set('/\\<>:"|?*')
    assert not name.startswith((".", "-", " ")) and not name.endswith((".", " "))
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in name)
    assert unicodedata.is_normalized("NFC", name)
    assert PurePosixPath(name).name == name == PureWindowsPath(name).name
    assert not PureWindowsPath(name).is_reserved()


@given(NASTY)
def test_a_safe_name_stays_as_it_is(suggested: str) -> None:
    once = safe_name(suggested)
    again = safe_name(once.text)
    assert again.text == once.text
    assert not again.was_changed and not again.was_deceptive


@pytest.mark.parametrize(
    ("suggested", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("naïve €.txt", "naïve €.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\file.txt", "file.txt"),
        ("folder/", "folder"),
        ("..", "download"),
        ("", "download"),
        (" . ", "download"),
        (".bashrc", "bashrc"),
        ("--help", "help"),
        ("a\x00b.txt", "ab.txt"),
        ("aux.txt", "_aux.txt"),
        ("CON", "_CON"),
        ("com1 .tar.gz", "_com1 .tar.gz"),
        ("console.txt", "console.txt"),
        ("what?.txt", "what_.txt"),
        ("notes.txt:evil.exe", "notes.txt_evil.exe"),
        ("name. . .", "name"),
        ("e\u0301.txt", "é.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("half\ud800.txt", "half.txt"),
    ],
)
def test_what_a_name_becomes(suggested: str, expected: str) -> None:
    assert safe_name(suggested).text == expected
    assert safe_name(suggested).was_changed == (suggested != expected)


@pytest.mark.parametrize("suggested", ["a\u202ecod.exe", "a\u200b.txt", "a\x00.txt", "a.pdf" + " " * 60 + ".exe"])
def test_what_is_there_to_be_misread_is_told(suggested: str) -> None:
    assert safe_name(suggested).was_deceptive


@pytest.mark.parametrize("suggested", ["../a.txt", "نامه\u200cها.pdf", "a?.txt", " a.txt", "👩\u200d🔬.png"])
def test_what_is_only_unusual_is_no_deception(suggested: str) -> None:
    assert not safe_name(suggested).was_deceptive


@pytest.mark.parametrize("ending", [".pdf", ".tar.gz"])
def test_a_name_of_four_kilobytes_keeps_its_extension(ending: str) -> None:
    name = safe_name("é" * 2048 + ending).text
    assert name.endswith("é" + ending) and MAX_NAME_BYTES - 2 < len(name.encode()) <= MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("name", "extension", "before"),
    [
        ("a.PDF", "pdf", ""),
        ("a.tar.gz", "gz", "tar"),
        ("invoice.pdf.exe", "exe", "pdf"),
        ("invoice.pdf .exe", "exe", "pdf"),
        ("a.exe. ", "exe", ""),
        ("Makefile", "", ""),
        (".bashrc", "", ""),
        ("1.2 release notes", "", ""),
    ],
)
def test_extensions_are_told(name: str, extension: str, before: str) -> None:
    assert (extension_of(name), extension_before(name)) == (extension, before)
