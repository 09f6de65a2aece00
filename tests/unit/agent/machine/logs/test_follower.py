import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.beneath import Places
from cloche.agent.machine.logs import follower as module
from cloche.agent.machine.logs.follower import REPLACED, TRUNCATED, UNFINISHED_S, FileLine, Follower, Gap, Told
from cloche.agent.machine.logs.position import parse_position
from cloche.agent.machine.problem import Problem

KEPT = 3
"""Numbered old files."""


class Log:
    """A file that is written and rotated as programs do it, and a reader who follows it."""

    def __init__(self, directory: Path, contents: bytes = b"") -> None:
        self.path = directory / "log"
        self.place = Places(str(directory), "").locate(b"log")
        self.path.write_bytes(contents)
        self.follower = Follower(self.place, follows=True)
        self.last_id = ""

    def old(self, number: int) -> Path:
        return self.path.with_name(f"log.{number}")

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def shift(self) -> None:
        self.old(KEPT).unlink(missing_ok=True)
        for number in range(KEPT - 1, 0, -1):
            if self.old(number).exists():
                self.old(number).rename(self.old(number + 1))

    def rotate(self, *, creates: bool = True) -> None:
        if not self.path.exists():
            return
        self.shift()
        self.path.rename(self.old(1))
        if creates:
            self.path.touch()

    def copy_and_truncate(self) -> None:
        if not self.path.exists():
            return
        self.shift()
        shutil.copy(self.path, self.old(1))
        os.truncate(self.path, 0)

    def remove_all(self) -> None:
        for path in self.path.parent.glob("log*"):
            path.unlink()

    def reconnect(self) -> None:
        if not self.last_id or not self.path.exists():
            return
        self.follower.close()
        self.follower = Follower(self.place, follows=True)
        position = parse_position(self.last_id)
        assert position is not None
        self.follower.resume(position)

    def step(self, now: float = 0) -> list[Told]:
        told = self.follower.step(now)
        for item in told:
            if isinstance(item, FileLine):
                self.last_id = item.id
        return told

    def drain(self, now: float = 0) -> list[Told]:
        told = self.step(now)
        while not (self.follower.is_idle or self.follower.is_finished):
            told += self.step(now)
        return told


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path)
    yield log
    log.follower.close()


def plain(told: list[Told]) -> list[str | Gap]:
    return [item.text if isinstance(item, FileLine) else item for item in told]


OPERATIONS = ("append", "append", "append", "step", "step", "drain", "rotate", "move away", "copy and truncate",
              "remove and create", "remove", "reconnect")  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(st.sampled_from(OPERATIONS), max_size=40), piece=st.sampled_from([7, 40, 65536]))
def test_whatever_happens_to_the_file_every_line_is_told_once_and_in_order_or_a_gap_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operations: list[str], piece: int
) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", piece)
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    written, told = ["line 0"], list[Told]()
    log = Log(tmp_path, b"line 0\n")
    try:
        for operation in ["step", *operations, "append", "drain"]:  # of which nothing is read, nothing can be missed
            match operation:
                case "append":
                    written.append(f"line {len(written)}" + "é" * (len(written) % 5))
                    log.append(written[-1].encode() + b"\n")
                case "step":
                    told += log.step()
                case "drain":
                    told += log.drain()
                case "rotate":
                    log.rotate()
                case "move away":
                    log.rotate(creates=False)
                case "copy and truncate":
                    log.copy_and_truncate()
                case "remove":
                    log.remove_all()
                case "remove and create":
                    log.remove_all()
                    log.path.touch()
                case "reconnect":
                    log.reconnect()
    finally:
        log.follower.close()
    assert_nothing_is_missed_in_silence(written, told)


def assert_nothing_is_missed_in_silence(written: list[str], told: list[Told]) -> None:
    due, may_skip = 0, False
    for item in told:
        if isinstance(item, Gap):
            may_skip = True
            continue
        if item.is_partial:  # of a line whose end was lost with it
            assert any(line.encode().startswith(item.text.rstrip("\ufffd").encode()) for line in written[due:])
            continue
        number = written.index(item.text)
        assert number == due or (may_skip and number > due), (written, plain(told))
        due, may_skip = number + 1, False
    assert due == len(written), (written, plain(told))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operations=st.lists(st.sampled_from(["append", "append", "step", "rotate", "move away", "reconnect"]), max_size=30)
)
def test_numbered_rotation_loses_nothing_while_the_old_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operations: list[str]
) -> None:
    monkeypatch.setitem(globals(), "KEPT", 99)
    monkeypatch.setattr(module, "MAX_NUMBER", 40)
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    written, told = ["line 0"], list[Told]()
    log = Log(tmp_path, b"line 0\n")
    try:
        for operation in [*operations, "append", "drain"]:
            match operation:
                case "append":
                    written.append(f"line {len(written)}")
                    log.append(written[-1].encode() + b"\n")
                case "step":
                    told += log.step()
                case "drain":
                    told += log.drain()
                case "rotate":
                    log.rotate()
                case "move away":
                    log.rotate(creates=False)
                case "reconnect":
                    log.reconnect()
    finally:
        log.follower.close()
    assert plain(told) == written


def test_the_old_file_is_read_on_until_there_is_something_in_the_new_one(log: Log) -> None:
    log.append(b"a\n")
    assert plain(log.drain()) == ["a"]
    log.rotate()
    assert plain(log.drain()) == []
    with log.old(1).open("ab") as old:  # its writer has not reopened it yet
        old.write(b"b\n")
    assert plain(log.drain()) == ["b"]
    with log.old(1).open("ab") as old:
        old.write(b"c\n")
    log.append(b"d\n")
    assert plain(log.drain()) == ["c", "d"]


def test_several_rotations_between_two_looks_lose_nothing(log: Log) -> None:
    log.append(b"a\n")
    for line in (b"b\n", b"c\n", b"d\n"):
        log.rotate()
        log.append(line)
    assert plain(log.drain()) == ["a", "b", "c", "d"]


def test_a_file_that_came_and_went_unseen_is_a_gap(log: Log) -> None:
    log.append(b"a\n")
    log.drain()
    log.remove_all()
    log.append(b"never seen\n")
    log.remove_all()
    log.append(b"b\n")
    assert plain(log.drain()) == [Gap(REPLACED), "b"]


def test_what_was_in_the_open_file_is_read_even_when_it_was_removed(log: Log) -> None:
    log.append(b"a\nb\n")
    log.remove_all()
    assert plain(log.drain()) == ["a", "b"]
    assert plain(log.drain()) == []
    log.append(b"c\n")
    assert plain(log.drain()) == [Gap(REPLACED), "c"]


def test_truncation_is_a_gap_and_what_is_there_then_is_told(log: Log) -> None:
    log.append(b"a\nb\n")
    log.drain()
    log.path.write_bytes(b"c\n")
    assert plain(log.drain()) == [Gap(TRUNCATED), "c"]
    log.path.write_bytes(b"")
    assert plain(log.drain()) == [Gap(TRUNCATED)]
    assert plain(log.drain()) == []


def test_an_unfinished_line_ends_with_its_file(log: Log) -> None:
    log.append(b"cut off")
    assert plain(log.drain()) == []
    log.rotate()
    log.append(b"new\n")
    told = log.drain()
    assert plain(told) == ["cut off", "new"]
    assert [item.is_partial for item in told if isinstance(item, FileLine)] == [False, False]


def test_the_beginning_of_a_line_is_told_when_its_rest_does_not_come(log: Log) -> None:
    log.append(b"beg")
    assert plain(log.drain(100)) == []
    log.append(b"in")
    assert plain(log.drain(100 + UNFINISHED_S / 2)) == []
    (beginning,) = log.drain(100 + UNFINISHED_S)
    assert isinstance(beginning, FileLine)
    assert (beginning.text, beginning.is_partial) == ("begin", True)
    log.append(b"ning\nnext")
    (rest,) = log.drain(100 + 2 * UNFINISHED_S)
    assert isinstance(rest, FileLine)
    assert (rest.text, rest.is_partial) == ("ning", False)
    assert plain(log.drain(100 + 2.9 * UNFINISHED_S)) == []
    assert plain(log.drain(100 + 3 * UNFINISHED_S)) == ["next"]


def test_a_path_that_leads_to_no_file_for_a_while_is_waited_for(log: Log) -> None:
    log.append(b"a\n")
    log.drain()
    log.rotate(creates=False)
    log.path.mkdir()
    assert plain(log.drain()) == []
    log.path.rmdir()
    log.path.symlink_to("/etc/passwd")
    assert plain(log.drain()) == []
    log.path.unlink()
    log.append(b"b\n")
    assert plain(log.drain()) == ["b"]


def test_a_link_that_is_turned_to_another_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "monday").write_bytes(b"a\n")
    (tmp_path / "tuesday").write_bytes(b"b\n")
    (tmp_path / "today").symlink_to("monday")
    follower = Follower(Places(str(tmp_path), "").locate(b"today"), follows=True)
    assert plain(follower.step(0)) == ["a"]
    (tmp_path / "today").unlink()
    (tmp_path / "today").symlink_to("tuesday")
    assert plain(follower.step(0)) == [Gap(REPLACED), "b"]
    follower.close()


def test_without_following_it_ends_at_the_end_that_was_there(log: Log) -> None:
    log.append(b"a\nb\nc")
    follower = Follower(log.place, follows=False)
    log.append(b"d\ne\n")
    told = []
    while not follower.is_finished:
        told += follower.step(0)
    follower.close()
    assert plain(told) == ["a", "b", "c"]
    assert [item.is_partial for item in told if isinstance(item, FileLine)] == [False, False, True]


def test_without_following_an_old_file_is_finished_and_then_the_new_one(log: Log) -> None:
    log.append(b"a\nb\n")
    assert plain(log.drain()) == ["a", "b"]
    position = parse_position(log.last_id)
    assert position is not None
    log.append(b"c\n")
    log.rotate()
    log.append(b"d\n")
    log.rotate()
    log.append(b"e\n")
    follower = Follower(log.place, follows=False)
    follower.resume(position)
    told = []
    while not follower.is_finished:
        told += follower.step(0)
    follower.close()
    assert plain(told) == ["c", "d", "e"]


def test_an_inode_that_was_given_to_another_file_is_no_place_to_go_on(log: Log) -> None:
    log.append(b"a\nb\n")
    log.drain()
    position = parse_position(log.last_id)
    assert position is not None
    log.path.write_bytes(b"x\ny\nz\n")  # the same inode, as a file system may hand it out again
    follower = Follower(log.place, follows=True)
    follower.resume(position)
    assert plain(follower.step(0)) == [Gap(TRUNCATED), "x", "y", "z"]
    follower.close()


def test_what_cannot_be_opened_is_refused_at_once(tmp_path: Path) -> None:
    places = Places(str(tmp_path), "")
    with pytest.raises(FileNotFoundError):
        Follower(places.locate(b"missing"), follows=True)
    with pytest.raises(Problem, match="no regular file"):
        Follower(places.locate(b"."), follows=True)
