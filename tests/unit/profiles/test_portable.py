import io
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.profiles import portable
from cloche.profiles.archive import ArchiveError
from cloche.profiles.model import ProfileForm
from cloche.vault.sealed import Opener

HEAD = portable.Head(ProfileForm.DIRECTORY, "shell")


def exported(archive: bytes, key: bytes, header: bytes) -> bytes:
    exporter = portable.Exporter(HEAD, io.BytesIO(archive), header, key)
    return b"".join(iter(exporter.read, b""))


@pytest.mark.parametrize("size", [0, 10, 256 * 1024, 1_300_000])
def test_what_is_exported_opens_under_its_passphrase(size: int) -> None:
    header, key, archive = portable.new_header(), os.urandom(32), os.urandom(size)
    file = exported(archive, key, header)
    assert file.startswith(header)
    opener = Opener(key, portable.context(header))
    plain = io.BytesIO(opener.feed(file[portable.HEADER_BYTES :]) + opener.finish())
    assert portable.read_head(plain) == HEAD
    assert plain.read() == archive


def test_a_key_is_of_its_passphrase_and_its_salt() -> None:
    one, other = portable.new_header(), portable.new_header()
    # Typed as one character or as a letter and its mark.
    key = portable.key_of(one, "caf\u00e9 au lait")
    assert key == portable.key_of(one, "cafe\u0301 au lait")
    assert key != portable.key_of(other, "caf\u00e9 au lait")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"CLPROF01",
        b"CLPROF02" + portable.new_header()[8:],
        struct.pack(">8sBBB5x16s", portable.MAGIC, 30, 8, 1, bytes(16)),
        struct.pack(">8sBBB5x16s", portable.MAGIC, 15, 255, 255, bytes(16)),
        struct.pack(">8sBBB5x16s", portable.MAGIC, 4, 8, 1, bytes(16)),
        portable.MAGIC + b"\x0f\x08\x01" + b"\x01" * 5 + bytes(16),
    ],
)
def test_a_header_that_is_none_or_asks_for_too_much_costs_nothing(header: bytes) -> None:
    with pytest.raises(InvalidError):
        portable.key_of(header, "correct horse")


def test_a_passphrase_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidError):
        portable.key_of(portable.new_header(), "\ud800" * 12)


@given(st.binary())
def test_a_head_that_is_none_is_told_as_such(data: bytes) -> None:
    for text in (data, struct.pack(">I", len(data)) + data):
        with pytest.raises(ArchiveError):
            portable.read_head(io.BytesIO(text))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"form":"directory"}',
        '{"form":"x","engine":""}',
        '{"form":"directory","engine":"../"}',
        '{"form":"directory","engine":3}',
        '{"form":["directory"],"engine":""}',
        "[" * 4000,
    ],
)
def test_a_head_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError):
        portable.read_head(io.BytesIO(struct.pack(">I", len(text)) + text.encode()))
    with pytest.raises(ArchiveError):
        portable.read_head(io.BytesIO(struct.pack(">I", 1 << 30) + text.encode()))
