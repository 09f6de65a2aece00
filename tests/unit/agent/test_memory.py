import os

import pytest

from cloche.agent import memory
from cloche.agent.memory import READ_ANEW_S, SAME_WITHIN_BYTES, Memory
from cloche.agent.procfs import Process, parse_stat, proportional_bytes


def process(pid: int = 7, *, started: int = 1, rss_bytes: int = 10 << 20) -> Process:
    return Process(pid, "chromium", "S", 1, 1, 1, 0, started, rss_bytes)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pids whose share the kernel was asked for."""
    pids: list[int] = []

    def ask(one: Process) -> int:
        pids.append(one.pid)
        return one.rss_bytes // 2

    monkeypatch.setattr(memory, "proportional_bytes", ask)
    return pids


def test_a_process_whose_size_has_not_moved_is_not_asked_again(asked: list[int]) -> None:
    readings = Memory()
    assert readings.total_bytes([process()], 0) == 5 << 20
    assert readings.total_bytes([process(rss_bytes=(10 << 20) + SAME_WITHIN_BYTES)], READ_ANEW_S - 1) == 5 << 20
    assert asked == [7]


@pytest.mark.parametrize(
    ("later", "at"),
    [
        (process(rss_bytes=(10 << 20) + SAME_WITHIN_BYTES + 4096), 1),
        (process(rss_bytes=(10 << 20) - SAME_WITHIN_BYTES - 4096), 1),
        (process(started=2), 1),
        (process(), READ_ANEW_S),
    ],
    ids=["grown", "shrunk", "another of that pid", "a minute later"],
)
def test_what_has_changed_is_read_anew(asked: list[int], later: Process, at: float) -> None:
    readings = Memory()
    readings.total_bytes([process()], 0)
    readings.total_bytes([later], at)
    assert asked == [7, 7]


def test_a_process_that_went_away_for_a_while_is_read_anew(asked: list[int]) -> None:
    readings = Memory()
    readings.total_bytes([process(), process(8)], 0)
    readings.total_bytes([process()], 1)
    readings.total_bytes([process(), process(8)], 2)
    assert asked == [7, 8, 8]


def test_the_share_is_the_kernels() -> None:
    with open("/proc/self/stat") as file:
        own = parse_stat(file.read())
    assert own.pid == os.getpid()
    assert Memory().total_bytes([own], 0) == pytest.approx(proportional_bytes(own), rel=0.2)
