import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.machine.beneath import Place, Places
from cloche.agent.machine.logs import log_file
from cloche.agent.machine.logs.log_file import Changed, LogFile, look_up, open_log
from cloche.agent.machine.logs.position import Position, parse_position
from cloche.agent.machine.problem import Problem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def opened(path: Path) -> Iterator[LogFile]:
    path.touch()
    file = open_log(place_of(path))
    yield file
    file.close()


def place_of(path: Path) -> Place:
    return Places(str(path.parent), "").locate(os.fsencode(path.name))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def texts(file: LogFile) -> list[str]:
    """What is there to be read, unfinished lines too."""
    told = []
    while True:
        has_read, lines = file.read()
        told += [line.text for line in lines]
        if not has_read:
            return told + [line.text for line in file.give(everything=True)]


def position_of_next(file: LogFile) -> Position:
    _, lines = file.read()
    position = parse_position(file.ids(lines)[-1])
    assert position is not None
    return position


def test_what_is_appended_is_read_where_reading_stopped(path: Path, opened: LogFile) -> None:
    append(path, b"a\nb")
    assert texts(opened) == ["a", "b"]
    append(path, b"c\nd\n")
    assert texts(opened) == ["c", "d"]
    assert texts(opened) == []


def test_a_file_that_has_become_shorter_is_noticed(path: Path, opened: LogFile) -> None:
    append(path, b"a\nb\n")
    texts(opened)
    os.truncate(path, 3)
    with pytest.raises(Changed):
        opened.read()


def test_a_file_that_was_emptied_and_has_grown_beyond_is_noticed(path: Path, opened: LogFile) -> None:
    append(path, b"old 1\nold 2\n")
    texts(opened)
    path.write_bytes(b"new 1\nnew 2\nnew 3\n")
    with pytest.raises(Changed):
        opened.read()
    opened.seek(0)
    assert texts(opened) == ["new 1", "new 2", "new 3"]


def test_reading_goes_on_after_a_line_that_was_told(path: Path, opened: LogFile) -> None:
    append(path, b"a\nb\n")
    position = position_of_next(opened)
    append(path, b"c\n")
    opened.resume(position)
    assert texts(opened) == ["c"]


@pytest.mark.parametrize("contents", [b"x\ny\nz\n", b"a\n", b""])
def test_a_position_in_what_is_there_no_longer_is_refused_and_all_is_read(
    path: Path, opened: LogFile, contents: bytes
) -> None:
    append(path, b"a\nb\n")
    position = position_of_next(opened)
    path.write_bytes(contents)
    again = open_log(place_of(path))
    with pytest.raises(Changed):
        again.resume(position)
    assert texts(again) == contents.decode().split()
    again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text("xyé€", max_size=90), max_size=20), piece=st.integers(1, 200))
def test_every_id_leads_to_the_lines_after_it(path: Path, opened: LogFile, lines: list[str], piece: int) -> None:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    opened.seek(0)
    ids, has_read = list[str](), True
    while has_read:
        has_read, read = opened.read(piece)
        ids += opened.ids(read)
    assert len(ids) == len(lines)
    for number, id_ in enumerate(ids, 1):
        position = parse_position(id_)
        assert position is not None
        opened.resume(position)
        assert texts(opened) == lines[number:]


@pytest.mark.parametrize("piece_bytes", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    "contents", [b"", b"\n", b"a", b"a\n", b"a\nbc", b"a\n\n\nbcd\n", b"1\n2\n3\n4\n5\n6\n7\n8\n9"]
)
def test_the_tail_is_the_last_lines(
    path: Path, opened: LogFile, monkeypatch: pytest.MonkeyPatch, contents: bytes, piece_bytes: int
) -> None:
    monkeypatch.setattr(log_file, "PIECE_BYTES", piece_bytes)
    append(path, contents)
    lines = contents.decode().splitlines()
    for count in range(len(lines) + 2):
        for _ in opened.seek_tail(count):
            pass
        assert texts(opened) == (lines[-count:] if count else [])


def test_the_tail_of_a_large_file_is_found_in_few_pieces(path: Path, opened: LogFile) -> None:
    append(path, b"line\n" * 200_000)
    assert len(list(opened.seek_tail(10))) == 0
    assert texts(opened) == ["line"] * 10


def test_a_file_that_is_truncated_while_its_tail_is_looked_for_is_noticed(
    path: Path, opened: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "PIECE_BYTES", 4)
    append(path, b"0123456789")
    looking = opened.seek_tail(1)
    next(looking)
    os.truncate(path, 3)
    with pytest.raises(Changed):
        list(looking)


def test_one_read_gives_no_more_lines_than_can_be_told_in_one_turn(path: Path, opened: LogFile) -> None:
    append(path, b"\n" * 10_000)
    counts, has_read = list[int](), True
    while has_read:
        has_read, lines = opened.read()
        counts.append(len(lines))
    assert sum(counts) == 10_000
    assert max(counts) == log_file.PIECE_LINES


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        (tmp_path / "directory").mkdir()
        for name in ("fifo", "socket", "directory"):
            with pytest.raises(Problem) as caught:
                open_log(place_of(tmp_path / name))
            assert (caught.value.status, caught.value.code) == (400, "not_a_file")
            assert look_up(place_of(tmp_path / name)) is None
    with pytest.raises(FileNotFoundError):
        open_log(place_of(path))
    assert look_up(place_of(path)) is None


def test_a_writer_that_waits_at_a_fifo_is_left_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Problem):
        open_log(place_of(tmp_path / "fifo"))
    with pytest.raises(OSError, match="No such device"):  # ENXIO (fifo(7)): nobody has it open for reading
        os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK)


def test_a_link_that_leads_outside_is_refused_and_one_within_is_followed(tmp_path: Path) -> None:
    inside = tmp_path / "root"
    inside.mkdir()
    (tmp_path / "secret").write_text("no\n")
    (inside / "real").write_text("yes\n")
    (inside / "out").symlink_to("../secret")
    (inside / "in").symlink_to("real")
    with pytest.raises(Problem):
        open_log(place_of(inside / "out"))
    assert look_up(place_of(inside / "out")) is None
    file = open_log(place_of(inside / "in"))
    assert texts(file) == ["yes"]
    file.close()
