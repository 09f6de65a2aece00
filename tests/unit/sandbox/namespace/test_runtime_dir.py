"""Directories that are built once, seen whole or not at all, and removed when no sandbox runs on them."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloche.sandbox.namespace.runtime_dir import ABANDONED_AFTER_S, LOCKS, building, make, remove_unused

# As bubblewrap holds one: a process's own locks never conflict with each other (fcntl(2)).
HOLDER = "import fcntl, sys; f = open(sys.argv[1]); fcntl.lockf(f, fcntl.LOCK_SH); print(1, flush=True); input()"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    make(tmp_path / "runtime")
    return tmp_path / "runtime"


def build(path: Path, lock: str = LOCKS[0], text: str = "") -> Path:
    with building(path) as temporary:
        (temporary / lock).parent.mkdir(parents=True, exist_ok=True)
        (temporary / lock).write_text(text)
    return path


@pytest.mark.parametrize("lock", LOCKS)
def test_what_a_sandbox_holds_stays_and_what_nobody_holds_goes(runtime: Path, lock: str) -> None:
    old, new = build(runtime / "old", lock), build(runtime / "new", lock)
    old.with_suffix(".json").write_text("{}")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, old / lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert remove_unused(runtime, [new]) == []
        process.stdin.close()
        process.wait(5)
    assert remove_unused(runtime, [new]) == ["old"]
    assert [path.name for path in runtime.iterdir()] == ["new"]


def test_a_build_that_fails_leaves_nothing(runtime: Path) -> None:
    with pytest.raises(OSError, match="no space"), building(runtime / "image") as temporary:
        (temporary / "half").mkdir()
        raise OSError("no space")
    assert list(runtime.iterdir()) == []


def test_of_two_builds_the_first_one_gets_the_name(runtime: Path) -> None:
    with building(runtime / "image") as late:
        build(runtime / "image", text="the first")
        (late / "late").touch()
    assert (runtime / "image" / LOCKS[0]).read_text() == "the first"
    assert [path.name for path in runtime.iterdir()] == ["image"]


def test_many_builders_at_once_leave_one_directory(runtime: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: build(runtime / "image", text=str(number)), range(8)))
    assert [path.name for path in runtime.iterdir()] == ["image"]


def test_a_build_in_progress_is_left_alone_and_an_abandoned_one_is_not(runtime: Path) -> None:
    with building(runtime / "image") as temporary:
        assert remove_unused(runtime, []) == []
        long_ago = runtime.stat().st_mtime - ABANDONED_AFTER_S - 10
        os.utime(temporary, (long_ago, long_ago))
        assert remove_unused(runtime, []) == [temporary.name]
        temporary.mkdir()
        (temporary / LOCKS[1]).touch()


def test_whatever_the_umask_is_others_can_walk_in(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make(tmp_path / "runtime")
        built = build(tmp_path / "runtime" / "image")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "runtime").stat().st_mode) == 0o711
    assert {stat.S_IMODE(path.stat().st_mode) for path in (built, *built.rglob("*")) if path.is_dir()} == {0o755}
