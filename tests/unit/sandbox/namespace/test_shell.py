"""The shell that sandboxes get, made of this machine's own BusyBox."""

import os
import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloche.sandbox.namespace.shell import Shell, ensure_shell, find_busybox


@pytest.fixture(scope="module")
def busybox() -> Path:
    found = find_busybox("busybox")
    if found is None:
        pytest.skip("needs busybox-static (cloche doctor: shell)")
    return found


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return tmp_path / "runtime"


@pytest.fixture
def shell(runtime: Path, busybox: Path) -> Shell:
    return ensure_shell(runtime, busybox)


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_its_tools_work_by_their_names(shell: Shell) -> None:
    command = "printf 'b\\na\\n' | sort | tr '\\n' ' '; [ 1 -lt 2 ] && env -i A=b env"
    done = subprocess.run(
        [shell.path / "sh", "-c", command], capture_output=True, text=True, check=True, env={"PATH": str(shell.path)}
    )
    assert done.stdout == "a b A=b\n"


def test_it_is_one_program_its_links_and_a_lock(shell: Shell) -> None:
    assert {path.name for path in shell.path.iterdir() if not path.is_symlink()} == {"busybox", "lock"}
    assert {str(path.readlink()) for path in shell.path.iterdir() if path.is_symlink()} == {"busybox"}
    assert stat.S_IMODE((shell.path / "busybox").stat().st_mode) == 0o755
    assert stat.S_IMODE((shell.path / "lock").stat().st_mode) == 0o644


def test_what_could_only_fail_has_no_name_there(shell: Shell) -> None:
    names = {path.name for path in shell.path.iterdir()}
    assert {"sh", "env", "ls", "cat", "tar", "find", "grep", "sed", "awk", "kill", "ps", "sleep", "vi"} <= names
    assert not {"su", "login", "mount", "umount", "chroot", "insmod", "reboot", "telnetd", "httpd", "ifconfig"} & names


def test_a_second_look_finds_the_same_one_untouched(runtime: Path, busybox: Path, shell: Shell) -> None:
    before = shell.path.stat().st_ino
    assert ensure_shell(runtime, busybox) == shell
    assert shell.path.stat().st_ino == before


def test_an_upgraded_program_makes_another_and_keeps_the_old(runtime: Path, busybox: Path, tmp_path: Path) -> None:
    own = Path(shutil.copy(busybox, tmp_path / "busybox"))
    first = ensure_shell(runtime, own)
    os.utime(own, ns=(1, 1))
    second = ensure_shell(runtime, own)
    assert first != second
    assert first.path.is_dir()


def test_two_builders_at_once_end_with_one(runtime: Path, busybox: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: ensure_shell(runtime, busybox), range(2))
    assert one == two
    assert [path.name for path in runtime.iterdir()] == [one.path.name]


@pytest.mark.parametrize("body", ["exit 1", "echo ls cat", "echo ../../sh; echo env"])
def test_a_program_that_is_no_busybox_makes_nothing(runtime: Path, tmp_path: Path, body: str) -> None:
    with pytest.raises(ValueError, match="not a BusyBox"):
        ensure_shell(runtime, script(tmp_path / "busybox", body))
    assert list(runtime.iterdir()) == []


def test_only_a_program_without_libraries_will_do(busybox: Path, tmp_path: Path) -> None:
    assert find_busybox("no-such-program-anywhere") is None
    assert find_busybox("/bin/cat") is None
    assert find_busybox(str(script(tmp_path / "busybox", "true"))) is None
    (tmp_path / "link").symlink_to(busybox)
    assert find_busybox(str(tmp_path / "link")) == busybox
