from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.memory_limit import limit_files, memory_limit_bytes, parse_limit


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_version_two_files_are_those_of_the_group_and_of_all_above_it() -> None:
    assert limit_files("0::/a/b\n", "/cg") == ["/cg/a/b/memory.max", "/cg/a/memory.max", "/cg/memory.max"]


def test_version_one_files_are_those_of_the_memory_controller() -> None:
    text = "12:cpu,cpuacct:/x\n5:memory:/m\n1:name=systemd:/s\n"
    assert limit_files(text, "/cg") == ["/cg/memory/m/memory.limit_in_bytes", "/cg/memory/memory.limit_in_bytes"]


def test_a_group_outside_of_what_can_be_seen_leaves_the_root() -> None:
    assert limit_files("0::/../../other", "/cg") == ["/cg/memory.max"]


def test_the_smallest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    write(tmp_path / "self", "0::/a/b\n")
    write(tmp_path / "cg/a/b/memory.max", "max\n")
    write(tmp_path / "cg/a/memory.max", "1048576\n")
    write(tmp_path / "cg/memory.max", "4194304\n")
    assert memory_limit_bytes(str(tmp_path / "self"), str(tmp_path / "cg")) == 1048576


def test_a_path_that_is_not_mounted_here_leaves_the_root_that_is(tmp_path: Path) -> None:
    write(tmp_path / "self", "5:memory:/docker/0123\n")
    write(tmp_path / "cg/memory/memory.limit_in_bytes", "2097152\n")
    assert memory_limit_bytes(str(tmp_path / "self"), str(tmp_path / "cg")) == 2097152


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert memory_limit_bytes(str(tmp_path / "no"), str(tmp_path / "where")) == 0


@pytest.mark.parametrize(
    ("text", "limit"),
    [("536870912\n", 536870912), ("max\n", 0), ("9223372036854771712\n", 0), ("", 0), ("-1", 0), ("²", 0)],
)
def test_no_limit_is_told_in_many_ways(text: str, limit: int) -> None:
    assert parse_limit(text) == limit


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_text_breaks_it(cgroup: str, limit: str) -> None:
    assert all(path.startswith("/cg/") for path in limit_files(cgroup, "/cg"))
    assert parse_limit(limit) >= 0
