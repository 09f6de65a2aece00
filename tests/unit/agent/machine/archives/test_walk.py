import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from cloche.agent.machine.archives import walk as under_test
from cloche.agent.machine.archives.members import Kind
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.walk import Found, walk


def walked(directory: Path, notes: Notes, leaves_out: frozenset[bytes] = frozenset()) -> list[bytes]:
    fd = os.open(directory, os.O_RDONLY)
    try:
        with closing(walk(fd, notes, leaves_out)) as found:
            return [item.path for item in found if item is not None]
    finally:
        os.close(fd)


def test_a_directory_comes_before_what_is_in_it_and_all_is_sorted(tmp_path: Path) -> None:
    for name in ("b/c", "b/a", "a", "b.x", "empty/"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    assert walked(tmp_path, Notes()) == [b"a", b"b", b"b/a", b"b/c", b"b.x", b"empty"]
    assert walked(tmp_path, Notes(), frozenset({b"b", b"c"})) == [b"a", b"b.x", b"empty"]


def test_what_vanishes_on_the_way_is_noted(tmp_path: Path) -> None:
    for name in ("a", "b", "c/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    notes = Notes()
    fd = os.open(tmp_path, os.O_RDONLY)
    with closing(walk(fd, notes)) as found:
        assert isinstance(first := next(found), Found)
        assert first.path == b"a"
        (tmp_path / "b").unlink()
        (tmp_path / "c").rename(tmp_path / "elsewhere")
        assert list(found) == []
    os.close(fd)
    assert notes.lines(9) == ["skipped: b: No such file or directory", "skipped: c: No such file or directory"]


def test_what_becomes_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    for name in ("w/a", "w/file", "w/zdir/x", "secret/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    notes = Notes()
    fd = os.open(tmp_path / "w", os.O_RDONLY)
    with closing(walk(fd, notes)) as found:
        next(found)
        for name, target in (("file", "../secret/x"), ("zdir", "../secret")):
            (tmp_path / "w" / name).rename(tmp_path / f"old-{name}")
            os.symlink(target, tmp_path / "w" / name)
        assert list(found) == []
    os.close(fd)
    assert len(notes.lines(9)) == 2


def test_a_fifo_in_a_files_place_holds_nobody_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    notes = Notes()
    fd = os.open(tmp_path, os.O_RDONLY)
    with closing(walk(fd, notes)) as found:
        next(found)
        (tmp_path / "b").unlink()
        os.mkfifo(tmp_path / "b")
        assert list(found) == []
    os.close(fd)
    assert notes.lines(9) == ["skipped: b: neither a file, a directory nor a link"]


def test_a_walk_that_is_left_early_closes_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    fd = os.open(tmp_path, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    found = walk(fd, Notes())
    assert [item.path for _, item in zip(range(3), found, strict=False) if item] == [b"a", b"a/b", b"a/b/c"]
    found.close()
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(fd)


def test_what_lies_too_deep_is_noted_and_costs_few_descriptors(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    notes = Notes()
    assert len(walked(tmp_path, notes)) == 256
    assert "lies too deep" in notes.lines(2)[0]


def test_more_entries_than_are_sent_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MAX_ENTRIES_SENT", 5)
    for name in range(9):
        (tmp_path / f"{name}").touch()
    notes = Notes()
    assert len(walked(tmp_path, notes)) == 5
    assert notes.lines(2) == ["skipped: all that follows 5 entries"]


def test_others_get_their_turn_in_a_large_directory(tmp_path: Path) -> None:
    for name in range(2500):
        (tmp_path / f"{name}").touch()
    fd = os.open(tmp_path, os.O_RDONLY)
    with closing(walk(fd, Notes())) as found:
        items = list(found)
    os.close(fd)
    assert items.count(None) >= 2
    assert sum(item is not None and item.kind is Kind.FILE for item in items) == 2500


def test_what_is_skipped_gives_others_their_turns_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "_NAMES_A_TURN", 10)
    for nth in range(100):
        os.mkfifo(tmp_path / str(nth))
    fd = os.open(tmp_path, os.O_RDONLY)
    with closing(walk(fd, Notes())) as found:
        assert list(found) == [None] * 20  # half of them for the list
    os.close(fd)


def test_an_archive_without_what_there_were_no_descriptors_for_is_not_told_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    fd = os.open(tmp_path, os.O_RDONLY)

    def exhausted(*args: object, **kwargs: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with closing(walk(fd, Notes())) as found, monkeypatch.context() as patch:
        patch.setattr(os, "open", exhausted)
        with pytest.raises(OSError, match="Too many open files"):
            list(found)
    os.close(fd)
