import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.artifacts.sniff.tars import is_tar, list_members

NAMES = ["a.txt", "folder/b.bin", "long/" * 40 + "c.exe", "é" * 40 + ".md"]


def tar(form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in NAMES:
            entry = tarfile.TarInfo(name)
            entry.size = 700
            archive.addfile(entry, io.BytesIO(b"x" * 700))
    return out.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_every_form_are_listed(form: int) -> None:
    data = tar(form)
    listing = list_members(data, len(data))
    assert [member.name for member in listing.members] == NAMES
    assert listing.is_complete and all(member.read(9) == b"x" * 9 for member in listing.members)


@given(st.integers(512, 4000))
def test_a_listing_that_was_cut_says_so(cut: int) -> None:
    data = tar(tarfile.GNU_FORMAT)
    assert is_tar(data[:cut]) and not list_members(data[:cut], len(data)).is_complete


@given(st.integers(0, 511), st.binary(min_size=1, max_size=12))
def test_a_damaged_header_is_none_or_ends_the_list(at: int, damage: bytes) -> None:
    data = bytearray(tar(tarfile.GNU_FORMAT))
    data[at : at + len(damage)] = damage
    assert len(list_members(bytes(data), None).members) <= len(NAMES)


def with_records(records: dict[str, str], kind: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.pax_headers = records
        archive.addfile(entry)
    return out.getvalue()


def test_a_name_is_read_from_its_own_record_and_not_from_anothers_words() -> None:
    data = with_records({"comment": "x path=harmless.txt", "path": "evil.js"})
    assert [member.name for member in list_members(data, len(data)).members] == ["evil.js"]


def test_a_member_whose_size_is_told_elsewhere_hides_what_follows() -> None:
    assert list_members(with_records({"comment": "x"}), None).is_complete
    assert not list_members(with_records({"size": "00"}), None).is_complete
    assert not list_members(with_records({"comment": "x" * 9000}), None).is_complete
