"""The leak check sees what it says it sees: each kind of thing is left behind on purpose."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cloche.testing import leaks
from cloche.testing.surroundings import own_control_groups


def test_nothing_is_nothing() -> None:
    assert leaks.leaked(leaks.take()) == []


def test_a_descriptor_is_seen() -> None:
    before = leaks.take()
    reader, writer = os.pipe()
    assert len(leaks.leaked(before, settle_s=0)) == 2
    os.close(reader)
    os.close(writer)
    assert leaks.leaked(before) == []


def test_a_child_is_seen_until_it_is_reaped() -> None:
    before = leaks.take()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert any("input()" in line for line in leaks.leaked(before, settle_s=0))
    child.communicate(b"\n")
    assert leaks.leaked(before) == []


def test_an_orphan_is_seen() -> None:
    before = leaks.take()
    reader, writer = os.pipe()
    orphan = "import os, sys\nif os.fork() == 0: os.read(0, 1)"
    subprocess.run([sys.executable, "-c", orphan], stdin=reader, check=True, timeout=10)
    os.close(reader)
    assert any(line.startswith("processes") for line in leaks.leaked(before, settle_s=0))
    os.close(writer)
    assert leaks.leaked(before) == []


def test_a_temporary_file_is_seen() -> None:
    before = leaks.take()
    path = Path(tempfile.mkdtemp())
    assert leaks.leaked(before, settle_s=0) == [f"temporary files: {path}"]
    path.rmdir()


def test_a_mount_is_seen(tmp_path: Path) -> None:
    before = leaks.take()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True, timeout=10, capture_output=True)
    except subprocess.CalledProcessError:
        pytest.skip("only root may mount here: run the tests as root (see the doctor's check `user_namespaces`)")
    assert leaks.leaked(before, settle_s=0) == [f"mounts: {tmp_path}"]
    subprocess.run(["umount", tmp_path], check=True, timeout=10)
    assert leaks.leaked(before) == []


def test_a_control_group_is_seen() -> None:
    parents = own_control_groups()
    if not parents:
        pytest.skip("no control groups may be made here: see the doctor's check `control_groups`")
    before = leaks.take()
    group = parents[0] / "left-behind"
    group.mkdir()
    assert leaks.leaked(before, settle_s=0) == [f"control groups: {group}"]
    group.rmdir()


HELPER = "import sys; sys.stdin.read()"
BROWSER = f"""
import subprocess, sys
for line in sys.stdin:
    helper = ["chromium", "-c", {HELPER!r}, " --" + "type=gpu-process"]
    subprocess.Popen(helper, executable={sys.executable!r}, stdin=int(line))
    print("started", flush=True)
"""


def test_a_helper_that_a_browser_starts_anew_is_the_browsers_while_that_lives() -> None:
    reader, writer = os.pipe()
    command = ["chromium", "-c", BROWSER]
    with subprocess.Popen(
        command, executable=sys.executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[reader]
    ) as browser:
        assert browser.stdin is not None
        assert browser.stdout is not None
        before = leaks.take()
        browser.stdin.write(b"%d\n" % reader)
        browser.stdin.flush()
        assert browser.stdout.readline() == b"started\n"
        assert leaks.leaked(before, settle_s=0) == []
        browser.kill()
        browser.wait(5)
        (left,) = leaks.leaked(before, settle_s=0)
        assert "--type=gpu-process" in left
        os.close(writer)
        assert leaks.leaked(before) == []
    os.close(reader)
