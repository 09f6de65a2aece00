"""Against the real hierarchies where they are mounted and writable."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloche.errors import InternalError
from cloche.process import cgroup_v1
from cloche.process.cgroup import Cgroup, CgroupKind, CgroupRoot, GroupLimits, home_of, reopen
from cloche.process.cgroup_v1 import CgroupV1Root

LIMITS = GroupLimits(memory_bytes=64 << 20, processes=8, cpu_cores=0.5)
HOG = "import sys; sys.stdin.read(1); x = bytearray(200 << 20)"
BOMB = """
import os, sys, signal
sys.stdin.read(1)
n = 0
try:
    while n < 50:
        if os.fork() == 0:
            signal.pause()
        n += 1
except BlockingIOError:
    pass
print(n, flush=True)
signal.pause()
"""


@pytest.fixture
def group() -> Cgroup:
    root = cgroup_v1.probe()
    if not isinstance(root, CgroupRoot):
        pytest.skip(f"{root} (cloche doctor: limits)")
    return root.at("cloche-unit-test")


def test_a_group_is_made_twice_and_removed_twice(group: Cgroup) -> None:
    group.make(LIMITS)
    group.make(LIMITS)
    group.remove()
    group.remove()


def test_a_group_is_found_again_from_its_record(group: Cgroup) -> None:
    group.make(LIMITS)
    again = reopen(group.record())
    assert again.kind is CgroupKind.V1
    assert again.record() == group.record()
    again.remove()


def in_group(group: Cgroup, program: str) -> "subprocess.Popen[bytes]":
    """Start a program that waits for a byte, put it into the group, let it go."""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    group.attach(process.pid)
    assert process.stdin is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    return process


def test_memory_is_limited_and_the_kill_is_counted(group: Cgroup) -> None:
    group.make(LIMITS)
    with in_group(group, HOG) as process:
        assert process.wait(10) == -9
    usage = group.usage()
    group.end()
    assert usage.out_of_memory_kills == 1
    assert usage.memory_peak_bytes is not None
    assert usage.memory_peak_bytes <= 64 << 20


def test_processes_are_limited_and_one_kill_ends_them_all(group: Cgroup) -> None:
    group.make(LIMITS)
    with in_group(group, BOMB) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == 7
        assert len(group.pids()) == 8
        assert group.usage().processes == 8
        group.end()
        assert process.wait(5) == -9
    assert group.pids() == []


def test_a_group_with_members_is_not_removed(group: Cgroup) -> None:
    group.make(LIMITS)
    with in_group(group, "import signal; signal.pause()") as process:
        with pytest.raises(OSError, match="busy"):
            group.remove()
        group.end()
        process.wait(5)


COUNTER = """
import sys, time
sys.stdin.read(1)
while True:
    print(1, flush=True)
    time.sleep(0.005)
"""


def test_what_is_frozen_stands_still_until_it_is_thawed(group: Cgroup) -> None:
    group.make(LIMITS)
    if not group.can_freeze:
        group.end()
        pytest.skip("the freezer is not mounted here (cloche doctor: limits)")
    with in_group(group, COUNTER) as process:
        assert process.stdout is not None
        process.stdout.readline()
        group.freeze()
        assert group.is_frozen()
        os.set_blocking(process.stdout.fileno(), False)
        while process.stdout.read():
            pass  # what it had said before
        time.sleep(0.05)
        assert process.stdout.read() is None
        group.reclaim()
        group.thaw()
        assert not group.is_frozen()
        os.set_blocking(process.stdout.fileno(), True)
        assert process.stdout.readline()
        group.freeze()
        group.end()
        assert process.wait(5) == -9


def test_what_does_not_freeze_goes_on(group: Cgroup, monkeypatch: pytest.MonkeyPatch) -> None:
    group.make(LIMITS)
    if not group.can_freeze:
        group.end()
        pytest.skip("the freezer is not mounted here (cloche doctor: limits)")
    monkeypatch.setattr(type(group), "is_frozen", lambda _: False)
    with pytest.raises(InternalError, match="does not freeze"):
        group.freeze(timeout_s=0.01)
    monkeypatch.undo()
    assert not group.is_frozen()
    group.end()


def test_a_move_soon_after_another_is_prepared_by_one_that_moves_nothing() -> None:
    root = cgroup_v1.probe()
    if not isinstance(root, CgroupRoot):
        pytest.skip(f"{root} (cloche doctor: limits)")
    before = Path("/proc/self/cgroup").read_text()
    root.prime()
    root.prime()
    assert Path("/proc/self/cgroup").read_text() == before


def test_a_group_that_this_process_is_not_in_is_not_its_home(tmp_path: Path, group: Cgroup) -> None:
    group.make(LIMITS)
    try:
        assert home_of(Path(group.record()["paths"]["pids"])) is None
    finally:
        group.remove()
    (tmp_path / "cgroup.procs").write_text(f"1\n{os.getpid()}\n")
    root = CgroupV1Root({}, "test", home_of(tmp_path))
    root.prime()
    assert (tmp_path / "cgroup.procs").read_text() == str(os.getpid())
    CgroupV1Root({}, "test", None).prime()
    CgroupV1Root({}, "test", tmp_path / "gone" / "cgroup.procs").prime()  # nothing is worse than without it
