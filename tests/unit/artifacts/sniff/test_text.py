import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.text import text_of

TEXT = "Grüße aus Köln, 東京 und Ελλάδα.\n" * 20


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@given(cut=st.integers(4, 200), last=st.integers(1, 200))
def test_a_text_is_one_wherever_its_sample_was_cut(encoding: str, cut: int, last: int) -> None:
    data = TEXT.encode(encoding)
    assert text_of(Sample.of(data)) == TEXT
    assert text_of(Sample.of(data[:cut], data[-last:], len(data))) is not None


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso-8859-15"])
def test_older_encodings_are_text_too(encoding: str) -> None:
    assert text_of(Sample.of("Le cœur à ses raisons".replace("œ", "oe").encode(encoding))) is not None


@pytest.mark.parametrize("data", [b"a\x00b", b"\x1f\x8b text", b"\xff\xfe\x00\xd8", bytes(range(128, 250))])
def test_other_bytes_are_none(data: bytes) -> None:
    assert text_of(Sample.of(data)) is None


def test_a_text_with_a_program_behind_it_is_none() -> None:
    data = b"harmless\n" * 100 + b"\x7fELF\x02\x01\x01\x00"
    assert text_of(Sample.of(data[:200], data[-200:], len(data))) is None
