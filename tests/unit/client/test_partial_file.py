"""A file on its way to its place."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloche.client.keeping_answers import Artifact
from cloche.client.partial_file import PartialFile
from cloche.errors import InternalError, InvalidError

CONTENT = b"0123456789"


def artifact_of(content: bytes) -> Artifact:
    now = datetime.now(UTC)
    return Artifact(
        id="art_1", owner="alice", session_id=None, profile_id=None, kind="download", state="ready", reasons=[],
        file_name="x", media_type="", declared_type="", size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(), source_url="", referrer="", private=False, created_at=now,
        expires_at=now, decided_at=None, decided_by="",
    )  # fmt: skip


def test_a_file_takes_its_place_once_all_of_it_is_there(tmp_path: Path) -> None:
    place = tmp_path / "x"
    place.write_bytes(b"old")
    with PartialFile(place, artifact_of(CONTENT)) as file:
        file.append(CONTENT[:4])
        assert (place.read_bytes(), file.is_whole) == (b"old", False)
        file.append(CONTENT[4:])
        assert file.size == len(CONTENT)
        file.finish()
    assert place.read_bytes() == CONTENT and list(tmp_path.iterdir()) == [place]


def test_what_an_earlier_try_has_left_is_taken_up(tmp_path: Path) -> None:
    place = tmp_path / "x"
    with PartialFile(place, artifact_of(CONTENT)) as file:
        file.append(CONTENT[:4])
    assert not place.exists()
    with PartialFile(place, artifact_of(CONTENT)) as file:
        assert file.size == 4
        file.append(CONTENT[4:])
        file.finish()
    assert place.read_bytes() == CONTENT


def test_what_is_left_of_another_file_is_not(tmp_path: Path) -> None:
    with PartialFile(tmp_path / "x", artifact_of(CONTENT)) as file:
        file.append(CONTENT)
    with PartialFile(tmp_path / "x", artifact_of(b"another")) as file:
        assert file.size == 0


def test_more_than_there_should_be_is_begun_anew(tmp_path: Path) -> None:
    with PartialFile(tmp_path / "x", artifact_of(CONTENT)) as file:
        file.append(CONTENT + b"more")
    with PartialFile(tmp_path / "x", artifact_of(CONTENT)) as file:
        assert file.size == 0
        file.append(CONTENT)
        file.finish()
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("came", [CONTENT[:-1], b"9876543210", CONTENT + b"x", b""], ids=repr)
def test_what_is_not_the_file_leaves_nothing(tmp_path: Path, came: bytes) -> None:
    with PartialFile(tmp_path / "x", artifact_of(CONTENT)) as file:
        file.append(came)
        with pytest.raises(InternalError):
            file.finish()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    with PartialFile(tmp_path / "x", artifact_of(b"")) as file:
        assert not file.is_whole  # that it may be had is for the server to say
        file.finish()
    assert (tmp_path / "x").read_bytes() == b""


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "x"):
        with pytest.raises(InvalidError):
            PartialFile(place, artifact_of(CONTENT))
