import os
from pathlib import Path

import pytest

from cloche.process.host_readings import HostReader
from cloche.process.pressure import HostReadings

GIB = 1 << 30
KIB = 1 << 10


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "proc/loadavg", "8.50 3.44 2.29 2/181 17824\n")
    put(tmp_path, "proc/meminfo", f"MemTotal: {8 * GIB // KIB} kB\nMemAvailable: {6 * GIB // KIB} kB\n")
    for resource, some, full in (("cpu", 60, 0), ("memory", 4, 2), ("io", 9, 8)):
        put(tmp_path, f"proc/pressure/{resource}", stall(some, full))
    put(tmp_path, "proc/sys/kernel/pid_max", "32768\n")
    put(tmp_path, "proc/sys/kernel/threads-max", "1181\n")
    return tmp_path


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def stall(some: float, full: float) -> str:
    return f"some avg10={some:.2f} avg60=0 avg300=0 total=0\nfull avg10={full:.2f} avg60=0 avg300=0 total=0\n"


def read(root: Path) -> HostReadings:
    return HostReader(root).read()


def test_without_groups_the_machine_itself_is_read(root: Path) -> None:
    assert read(root) == HostReadings(
        processors=os.cpu_count() or 1,
        load=8.5,
        cpu_some=60.0,
        cpu_full=None,
        memory_full=2.0,
        io_full=8.0,
        memory_total=8 * GIB,
        memory_available=6 * GIB,
        tasks_left=1000,
    )


def test_what_is_missing_is_not_known(tmp_path: Path) -> None:
    assert read(tmp_path) == HostReadings(processors=os.cpu_count() or 1)


def test_a_version_2_group_and_those_above_it_count(root: Path) -> None:
    put(root, "proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    put(root, "proc/self/cgroup", "0::/jobs/cloche/daemon\n")
    jobs, own = "sys/fs/cgroup/jobs", "sys/fs/cgroup/jobs/cloche"
    (root / own / "daemon").mkdir(parents=True)
    put(root, f"{own}/memory.max", f"{2 * GIB}\n")
    put(root, f"{own}/memory.current", f"{GIB}\n")
    put(root, f"{own}/memory.stat", f"anon 5\ninactive_file {GIB // 2}\n")
    put(root, f"{jobs}/memory.max", "max\n")
    put(root, f"{jobs}/pids.max", "500\n")
    put(root, f"{jobs}/pids.current", "420\n")
    put(root, f"{own}/cpu.pressure", stall(99, 70))
    put(root, f"{own}/memory.pressure", stall(30, 20))
    seen = read(root)
    assert (seen.memory_total, seen.memory_available) == (2 * GIB, 2 * GIB - GIB // 2)
    assert (seen.cpu_some, seen.cpu_full, seen.memory_full, seen.io_full) == (60.0, 70.0, 20.0, 8.0)
    assert seen.tasks_left == 80


def test_version_1_groups_count_by_controller(root: Path) -> None:
    mounts = "".join(
        f"{number} 1 0:{number} / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
        for number, name in ((31, "memory"), (32, "pids"))
    )
    put(root, "proc/self/mountinfo", mounts)
    put(root, "proc/self/cgroup", "4:memory:/box\n8:pids:/gone\n0::/\n")
    box, pids = "sys/fs/cgroup/memory/box", "sys/fs/cgroup/pids"
    put(root, f"{box}/memory.limit_in_bytes", f"{GIB}\n")
    put(root, f"{box}/memory.usage_in_bytes", f"{GIB // 4}\n")
    put(root, f"{box}/memory.stat", "inactive_file 1\ntotal_inactive_file 4096\n")
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    put(root, f"{pids}/pids.max", "90\n")
    put(root, f"{pids}/pids.current", "100\n")
    seen = read(root)
    assert (seen.memory_total, seen.memory_available) == (GIB, GIB - GIB // 4 + 4096)
    assert seen.tasks_left == 0


def test_the_real_machine_tells_of_its_memory_and_load() -> None:
    seen = HostReader().read()
    assert seen.load is not None and seen.load >= 0
    assert seen.memory_total is not None and seen.memory_available is not None
    assert 0 < seen.memory_available <= seen.memory_total
    assert seen.tasks_left is not None and seen.tasks_left > 0
