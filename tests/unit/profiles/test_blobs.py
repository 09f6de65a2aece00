import os
import stat
from pathlib import Path

import pytest

from cloche.errors import InternalError, StorageFullError
from cloche.ids import ProfileId
from cloche.profiles import blobs
from cloche.testing.tmpfs import tmpfs

PROFILE = ProfileId("prf_x")


def written(root: Path, data: bytes, name: str = "a") -> blobs.Part:
    part = blobs.Part(root, PROFILE, name)
    part.begin()
    part.write(data)
    return part


def refused(root: Path, name: str) -> None:
    part = blobs.Part(root, PROFILE, name)
    with pytest.raises(InternalError):
        part.begin()
    part.discard()


def test_a_file_has_its_name_only_when_it_is_whole_and_belongs_to_this_user_alone(tmp_path: Path) -> None:
    root = tmp_path / "profiles"
    part = written(root, b"sealed")
    assert [file.name for file in (root / PROFILE).iterdir()] == ["a.part"]
    part.publish()
    part.discard()
    (file,) = (root / PROFILE).iterdir()
    assert (file.name, file.read_bytes(), part.size_bytes) == ("a.sealed", b"sealed", 6)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (root, root / PROFILE, file)]
    assert modes == [0o700, 0o700, 0o600]


def test_a_file_that_is_given_up_is_gone(tmp_path: Path) -> None:
    part = written(tmp_path, b"sealed")
    part.discard()
    part.discard()
    assert list((tmp_path / PROFILE).iterdir()) == []


def test_what_is_on_its_way_can_be_read(tmp_path: Path) -> None:
    part = written(tmp_path, b"sealed")
    descriptor = part.opened()
    assert os.read(descriptor, 100) == b"sealed"
    os.close(descriptor)
    part.discard()


def test_no_link_is_followed_to_a_directory_or_a_file(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "profiles", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a.sealed").write_bytes(b"not ours")
    (root / PROFILE).symlink_to(elsewhere)
    refused(root, "b")
    with pytest.raises(OSError):
        blobs.opened(root, PROFILE, "a")
    assert blobs.listing(root) == {}

    (root / PROFILE).unlink()
    (root / PROFILE).mkdir()
    (root / PROFILE / "a.sealed").symlink_to(elsewhere / "a.sealed")
    (root / PROFILE / "b.part").symlink_to(elsewhere / "b")
    with pytest.raises(OSError):
        blobs.opened(root, PROFILE, "a")
    refused(root, "b")
    blobs.remove_profile(root, PROFILE)
    assert sorted(elsewhere.iterdir()) == [elsewhere / "a.sealed"] and list(root.iterdir()) == []


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    with tmpfs("size=64k") as small:
        part = written(small, b"x" * 1000)
        with pytest.raises(StorageFullError):
            part.write(bytes(100_000))
        part.discard()
        assert list((small / PROFILE).iterdir()) == []


def test_files_that_are_not_there_need_not_be_removed(tmp_path: Path) -> None:
    blobs.remove(tmp_path, PROFILE, ["a"])
    blobs.remove_profile(tmp_path, PROFILE)
    blobs.remove_if_empty(tmp_path, PROFILE)
    assert blobs.listing(tmp_path / "none") == {}


def test_a_directory_with_something_in_it_stays(tmp_path: Path) -> None:
    part = written(tmp_path, b"x")
    blobs.remove_if_empty(tmp_path, PROFILE)
    assert blobs.listing(tmp_path) == {PROFILE: [tmp_path / PROFILE / "a.part"]}
    part.discard()
