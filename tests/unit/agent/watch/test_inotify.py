import errno
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.watch import inotify
from cloche.agent.watch.changes import ARRIVED, CREATED, IS_DIRECTORY, LEFT, REMOVED, WRITTEN
from cloche.agent.watch.inotify import CannotWatch, Event, Inotify, Watches, parse_events
from cloche.agent.watch.tree import Directory, Status

EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(-1, 2**31 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=40).map(lambda name: name.replace(b"\0", b"")),
    ),
    max_size=10,
)


def packed(event: Event) -> bytes:
    """As the kernel does: the name ends with zeros up to a multiple of 16."""
    name = event.name + b"\0" * (16 - len(event.name) % 16) if event.name else b""
    return struct.pack("iIII", event.watch, event.mask, 7, len(name)) + name


@given(EVENTS)
def test_events_are_read_as_the_kernel_writes_them(events: list[Event]) -> None:
    assert parse_events(b"".join(map(packed, events))) == events


@given(EVENTS, st.integers(0, 400))
def test_half_an_event_is_left_out_and_those_before_it_are_kept(events: list[Event], cut: int) -> None:
    data = b"".join(map(packed, events))[:cut]
    parsed = parse_events(data)
    assert parsed == events[: len(parsed)]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    assert all(0 <= event.flags < 64 for event in parse_events(data))


@pytest.fixture
def source() -> Iterator[Inotify]:
    source = Inotify()
    yield source
    source.close()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_the_kernel_tells_each_kind_of_change(source: Inotify, directory: int, tmp_path: Path) -> None:
    watch = source.add(directory)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").rename(tmp_path / "new")
    (tmp_path / "new").unlink()
    (tmp_path / "folder").rmdir()
    events = parse_events(source.read())
    assert {event.watch for event in events} == {watch}
    said = [(event.name, event.flags) for event in events if event.flags]
    assert said == [
        (b"file", CREATED),
        (b"file", WRITTEN),
        (b"folder", CREATED | IS_DIRECTORY),
        (b"file", REMOVED | LEFT),
        (b"new", CREATED | ARRIVED),
        (b"new", REMOVED),
        (b"folder", REMOVED | IS_DIRECTORY),
    ]
    assert source.read() == b""


def test_one_directory_has_one_watch_by_whatever_name(source: Inotify, directory: int, tmp_path: Path) -> None:
    watch = source.add(directory)
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    fd = os.open(link, os.O_RDONLY)
    try:
        assert source.add(fd) == watch
    finally:
        os.close(fd)
    source.remove(watch)
    source.remove(watch)  # which is no mistake
    assert source.add(directory) != watch


def test_a_descriptor_that_is_no_directory_is_not_watched(source: Inotify, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pytest.raises(CannotWatch) as caught:
            source.add(fd)
    finally:
        os.close(fd)
    assert caught.value.errno == errno.ENOTDIR


def test_where_there_are_no_more_instances_it_is_said() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    Inotify().close()  # ctypes is loaded, which takes a descriptor
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(CannotWatch) as caught:
            Inotify()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE


def test_where_the_c_library_has_no_inotify_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    with pytest.raises(CannotWatch) as caught:
        Inotify()
    assert caught.value.errno == errno.ENOSYS


def test_ctypes_is_loaded_only_when_something_is_watched() -> None:
    program = f"import sys, {Watches.__module__[: -len('inotify')]}watcher as w; sys.exit('ctypes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class Recorder:
    """A source that notes which watches were ended."""

    fd = -1

    def __init__(self) -> None:
        self.removed: list[int] = []

    def add(self, directory_fd: int) -> int:
        return directory_fd

    def remove(self, watch: int) -> None:
        self.removed.append(watch)

    def read(self) -> bytes:
        return b""

    def close(self) -> None: ...


def folder() -> Directory:
    return Directory(None, b"", Status(1, 2, 0o040000, 0, 0))


def test_a_watch_is_ended_once_and_only_by_the_directory_it_is_on() -> None:
    watches, recorder, one, other = Watches(), Recorder(), folder(), folder()
    watches.use(recorder)
    watches.bind(watches.add(5), one)
    assert watches.owner(5) is one
    other.watch = 5
    watches.release(other)
    assert recorder.removed == []
    watches.release(one)
    watches.release(one)
    assert recorder.removed == [5]
    assert (watches.owner(5), one.watch, len(watches)) == (None, -1, 0)


def test_a_watch_that_the_kernel_has_ended_is_nobodys() -> None:
    watches, recorder, directory = Watches(), Recorder(), folder()
    watches.use(recorder)
    watches.bind(watches.add(5), directory)
    assert watches.ended(5) is directory
    assert watches.ended(5) is None
    assert directory.watch == -1
    watches.release(directory)
    assert recorder.removed == []


def test_without_a_source_nothing_is_watched_and_nothing_fails() -> None:
    watches, directory = Watches(), folder()
    assert watches.are_missing
    watches.bind(watches.add(5), directory)
    assert (directory.watch, len(watches)) == (-1, 0)
    watches.release(directory)
    watches.use(Recorder())
    watches.bind(watches.add(5), directory)
    watches.drop()
    assert (watches.are_missing, watches.owner(5)) == (True, None)


def test_the_mask_asks_for_all_that_is_understood() -> None:
    for name in ("CREATE", "DELETE", "MODIFY", "ATTRIB", "CLOSE_WRITE", "MOVED_FROM", "MOVED_TO", "DELETE_SELF"):
        assert inotify.MASK & getattr(inotify, f"IN_{name}")
    assert inotify.MASK & inotify.IN_ONLYDIR
    assert inotify.MASK & inotify.IN_DONT_FOLLOW
