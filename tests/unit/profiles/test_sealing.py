import os
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.ids import PrincipalName, ProfileId
from cloche.profiles.archive import Copy
from cloche.profiles.sealing import Place, RevisionWriter, SealedSource, key_context
from cloche.vault.sealed import SealError

KEY = os.urandom(32)
PLACE = Place(profile_id=ProfileId("prf_x"), owner=PrincipalName("ann"), revision=3, blob="abc")


def sealed(root: Path, data: bytes, place: Place = PLACE) -> int:
    writer = RevisionWriter(root, place, KEY, Copy())
    writer.begin()
    writer.add(data)
    return writer.publish()


def opened(root: Path, place: Place, key: bytes = KEY, size_bytes: int | None = None) -> bytes:
    source = SealedSource.of(root, place, key)
    try:
        source.open(size_bytes)
        return b"".join(iter(lambda: source.read(1000), b""))
    finally:
        source.close()


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 600_000])
def test_what_is_sealed_into_a_file_comes_out_of_it(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    length = sealed(tmp_path, data)
    file = tmp_path / PLACE.profile_id / "abc.sealed"
    assert file.stat().st_size == length
    assert opened(tmp_path, PLACE, size_bytes=length) == data
    assert size < 100 or data[:100] not in file.read_bytes()


def test_a_file_opens_only_in_its_place(tmp_path: Path) -> None:
    sealed(tmp_path, b"state")
    file = tmp_path / PLACE.profile_id / "abc.sealed"
    others = (
        replace(PLACE, profile_id=ProfileId("prf_y")),
        replace(PLACE, owner=PrincipalName("bob")),
        replace(PLACE, revision=4),
        replace(PLACE, blob="abd"),
    )
    for other in others:
        copy = tmp_path / other.profile_id / f"{other.blob}.sealed"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
        with pytest.raises(SealError):
            opened(tmp_path, other)
    with pytest.raises(SealError):
        opened(tmp_path, PLACE, os.urandom(32))
    with pytest.raises(SealError):
        opened(tmp_path, PLACE, size_bytes=file.stat().st_size + 1)


def test_a_file_that_was_never_opened_can_be_closed(tmp_path: Path) -> None:
    source = SealedSource.of(tmp_path, PLACE, KEY)
    with pytest.raises(FileNotFoundError):
        source.open()
    source.close()
    source.close()


def test_a_key_belongs_to_one_profile_of_one_owner() -> None:
    ann, bob = PrincipalName("ann"), PrincipalName("bob")
    contexts = {key_context(ProfileId("p"), ann), key_context(ProfileId("p"), bob), key_context(ProfileId("q"), ann)}
    assert len(contexts) == 3
