from pathlib import Path

import pytest

from cloche.errors import InternalError
from cloche.process.cgroup import (
    CgroupKind,
    CgroupMount,
    GroupLimits,
    detect,
    parse_mounts,
    parse_own_paths,
    read_field,
    read_number,
    read_pids,
    reopen,
)
from cloche.process.cgroup_none import NoCgroup, NoCgroupRoot

MOUNTINFO = """\
36 25 0:31 / /sys/fs/cgroup rw,relatime shared:5 - tmpfs tmpfs rw,mode=755
37 36 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
38 36 0:33 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,relatime master:9 - cgroup cgroup rw,cpu,cpuacct
39 36 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""


def test_mounts_are_read_by_type_with_their_controllers() -> None:
    memory, cpu = parse_mounts(MOUNTINFO, "cgroup")
    assert (memory.path, memory.root) == (Path("/sys/fs/cgroup/memory"), "/")
    assert {"cpu", "cpuacct"} <= cpu.controllers
    assert [mount.path for mount in parse_mounts(MOUNTINFO, "cgroup2")] == [Path("/sys/fs/cgroup/unified")]


def test_a_path_of_ones_own_is_found_below_a_mount_that_shows_only_a_part() -> None:
    mount = CgroupMount(Path("/sys/fs/cgroup/cpu"), "/docker/abc", frozenset({"cpu"}))
    assert mount.directory("/docker/abc") == Path("/sys/fs/cgroup/cpu")
    assert mount.directory("/docker/abc/inner") == Path("/sys/fs/cgroup/cpu/inner")
    assert CgroupMount(Path("/m"), "/", frozenset()).directory("/a/b") == Path("/m/a/b")


def test_own_paths_are_read_for_every_controller() -> None:
    paths = parse_own_paths("4:memory:/a\n3:cpu,cpuacct:/b\n1:name=systemd:/c\n0::/d:e\n")
    assert paths == {"memory": "/a", "cpu": "/b", "cpuacct": "/b", "name=systemd": "/c", "": "/d:e"}


def test_kernel_files_that_lack_or_say_max_are_none(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("42\n")
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "events").write_text("oom 3\noom_kill 2\n")
    (tmp_path / "procs").write_text("0\n12\n34\n")
    assert read_number(tmp_path / "number") == 42
    assert read_number(tmp_path / "max") is None
    assert read_number(tmp_path / "absent") is None
    assert read_field(tmp_path / "events", "oom_kill") == 2
    assert read_field(tmp_path / "events", "oom_group_kill") is None
    assert read_pids(tmp_path / "procs") == [12, 34]


@pytest.mark.parametrize("record", [None, {}, {"kind": "v1"}, {"kind": "v2", "path": 7}, {"kind": "v3"}, "v1"])
def test_an_unusable_record_counts_as_no_group(record: object) -> None:
    assert isinstance(reopen(record), NoCgroup)


def test_the_kind_that_was_found_comes_with_a_reason() -> None:
    assert detect().why


def test_no_group_takes_every_verb_and_knows_nothing() -> None:
    group = NoCgroupRoot("none").at("x")
    group.make(GroupLimits(memory_bytes=1, processes=1, cpu_cores=1))
    group.attach(1)
    group.kill()
    group.end()
    assert group.kind is CgroupKind.NONE
    assert group.usage().memory_bytes is None
    assert reopen(group.record()).kind is CgroupKind.NONE


def test_a_group_that_does_not_empty_is_our_fault_and_is_said() -> None:
    class Stuck(NoCgroup):
        def remove(self) -> None:
            raise OSError("busy")

    with pytest.raises(InternalError):
        Stuck().end(timeout_s=0, pause=lambda _: None)
