import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloche.agent.watch import disk


@contextmanager
def opened(path: Path) -> Iterator[int]:
    fd = disk.open_directory(os.fsencode(path))
    try:
        yield fd
    finally:
        os.close(fd)


def test_a_symbolic_link_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(disk.Displaced):
        disk.open_directory(os.fsencode(tmp_path / "link"))
    with opened(tmp_path) as fd, pytest.raises(disk.Displaced):
        disk.open_below(fd, b"link")


def test_another_directory_under_the_same_path_is_not_taken_for_the_one_that_was_there(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "a", tmp_path / "b"
    path.mkdir()
    with opened(path) as fd:
        identity = disk.status_of(fd).identity
    os.close(disk.open_directory(os.fsencode(path), identity))
    path.rename(elsewhere)
    path.mkdir()
    with pytest.raises(disk.Displaced):
        disk.open_directory(os.fsencode(path), identity)
    path.rmdir()
    with pytest.raises(disk.Displaced):
        disk.open_directory(os.fsencode(path), identity)
    os.close(disk.open_directory(os.fsencode(elsewhere), identity))


def test_a_file_and_a_path_longer_than_the_kernel_takes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(disk.Displaced):
        disk.open_directory(os.fsencode(tmp_path / "file"))
    with pytest.raises(disk.Unreadable):
        disk.open_directory(os.fsencode(tmp_path) + b"/x" * 4096)


def test_entries_are_seen_as_they_are_and_not_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with opened(tmp_path) as fd:
        file, folder, link = (disk.status_in(fd, name) for name in (b"file", b"folder", b"link"))
        assert disk.status_in(fd, b"nothing") is None
        assert disk.status_in(fd, b"file/below") is None
        assert disk.status_in(fd, b"x" * 300) is None
    assert file is not None
    assert folder is not None
    assert link is not None
    assert (file.size, file.is_directory) == (3, False)
    assert folder.is_directory
    assert not link.is_directory


def test_names_are_listed_as_the_bytes_they_are(tmp_path: Path) -> None:
    names = {b"plain", b"\xff\xfe", b"line\nbreak", "ü".encode()}
    for name in names:
        os.mkdir(os.path.join(os.fsencode(tmp_path), name))
    with opened(tmp_path) as fd:
        assert set(disk.names(fd)) == names
        assert set(disk.names(fd)) == names
