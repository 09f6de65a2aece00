"""Files as the kernel lays them out; killing and moving against a real hierarchy where one is mounted."""

import os
import subprocess
from pathlib import Path

import pytest

from cloche.process import cgroup_v2
from cloche.process.cgroup import CgroupKind, GroupLimits, parse_mounts, reopen
from cloche.process.cgroup_v2 import CgroupV2, CgroupV2Root

LIMITS = GroupLimits(memory_bytes=64 << 20, processes=8, cpu_cores=1.5)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory that looks like a group the kernel has just made."""
    group = tmp_path / "cloche-x"
    group.mkdir()
    for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "cgroup.procs"):
        (group / name).write_text("")
    return group


def test_limits_are_written_in_the_kernels_units(files: Path) -> None:
    CgroupV2Root(files.parent, "test").at(files.name).make(LIMITS)
    written = {path.name: path.read_text() for path in files.iterdir()}
    assert written["memory.max"] == str(64 << 20)
    assert written["memory.swap.max"] == "0"
    assert written["pids.max"] == "8"
    assert written["cpu.max"] == "150000 100000"
    assert 1 <= int(written["cpu.weight"]) < 100


def test_usage_is_read_in_ours(files: Path) -> None:
    (files / "memory.current").write_text("5000\n")
    (files / "memory.stat").write_text("anon 1\ninactive_file 1000\n")
    (files / "memory.peak").write_text("7000\n")
    (files / "cpu.stat").write_text("usage_usec 2500000\n")
    (files / "pids.current").write_text("3\n")
    (files / "memory.events").write_text("oom 2\noom_kill 1\n")
    usage = CgroupV2(files).usage()
    assert (usage.memory_bytes, usage.memory_peak_bytes, usage.cpu_seconds) == (4000, 7000, 2.5)
    assert (usage.processes, usage.out_of_memory_kills) == (3, 1)


def test_counters_a_kernel_lacks_are_none(files: Path) -> None:
    usage = CgroupV2(files).usage()
    assert (usage.memory_bytes, usage.memory_peak_bytes, usage.cpu_seconds) == (None, None, None)


def test_it_is_found_again_from_its_record(files: Path) -> None:
    again = reopen(CgroupV2(files).record())
    assert again.kind is CgroupKind.V2
    assert again.record() == CgroupV2(files).record()


def test_a_delegated_group_hands_its_controllers_to_its_children(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    (tmp_path / "cgroup.procs").write_text("")
    assert cgroup_v2._take_over(tmp_path)
    assert set((tmp_path / "cgroup.subtree_control").read_text().split()) == {"+memory", "+pids", "+cpu"}


def test_a_group_shared_with_strangers_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n1\n")
    assert not cgroup_v2._take_over(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == ""


@pytest.fixture
def real() -> Path:
    for mount in parse_mounts(Path("/proc/self/mountinfo").read_text(), "cgroup2"):
        if os.access(mount.path, os.W_OK):
            return mount.path
    pytest.skip("no writable cgroup v2 hierarchy (cloche doctor: limits)")


def test_a_real_group_holds_a_process_and_kills_it(real: Path) -> None:
    group = CgroupV2(real / f"cloche-unit-{os.getpid()}")
    (real / f"cloche-unit-{os.getpid()}").mkdir()
    with subprocess.Popen(["sleep", "60"]) as process:
        group.attach(process.pid)
        assert group.pids() == [process.pid]
        group.end()
        assert process.wait(5) == -9
    assert not (real / f"cloche-unit-{os.getpid()}").exists()
