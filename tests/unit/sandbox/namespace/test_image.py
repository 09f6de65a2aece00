"""A real image of this host, built in a directory of the test's own."""

import fcntl
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.engine import BrowserFiles
from cloche.sandbox.namespace.image import Image, ensure_image

SHELL = Path("/usr/lib/chromium/chromium-headless-shell")


@pytest.fixture
def browser(tmp_path: Path) -> BrowserFiles:
    path = tmp_path / "browser" / "chrome"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return BrowserFiles(path)


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return tmp_path / "runtime"


@pytest.fixture
def image(runtime: Path, browser: BrowserFiles) -> Iterator[Image]:
    yield ensure_image(runtime, [browser])


def test_a_second_look_finds_the_same_image_untouched(runtime: Path, browser: BrowserFiles, image: Image) -> None:
    before = image.path.stat().st_ino
    assert ensure_image(runtime, [browser]) == image
    assert image.path.stat().st_ino == before


def test_a_changed_source_makes_another_image_and_keeps_the_old(
    runtime: Path, browser: BrowserFiles, image: Image
) -> None:
    manifest = runtime / f"{image.digest}.json"
    value = json.loads(manifest.read_text())
    value["sources"][0][2] -= 1
    manifest.write_text(json.dumps(value))
    os.utime(browser.executable, ns=(1, 1))
    other = ensure_image(runtime, [browser])
    assert other.digest != image.digest
    assert image.path.is_dir()


def test_it_holds_what_is_needed_and_nothing_of_the_host(image: Image) -> None:
    for name in (places.PYTHON, f"{places.AGENT}/cloche/agent/main.pyc", places.WELCOME, places.LOCK):
        assert (image.path / name.lstrip("/")).is_file()
    for name in (places.BROWSER, places.LINK, places.DATA, places.SHELL, *places.SHARED, "/proc", "/dev"):
        assert list((image.path / name.lstrip("/")).iterdir()) == []
    assert (image.path / "tmp").readlink() == Path("data/tmp")
    assert (image.path / "etc/resolv.conf").read_text() == ""
    names = {path.name for path in image.path.rglob("*") if not path.is_symlink()}
    assert not {"shadow", "bash", "sh", "pip", "site-packages", "test", "_ssl", "sudo"} & names


def test_links_lead_to_what_is_mounted_and_never_out_of_it(image: Image) -> None:
    links = {str(path.relative_to(image.path)): path for path in image.path.rglob("*") if path.is_symlink()}
    for path in links.values():
        target = path.readlink()
        assert not target.is_absolute()
        assert Path(os.path.normpath(path.parent / target)).is_relative_to(image.path)
    there = {
        name: os.path.relpath(os.path.normpath(path.parent / path.readlink()), image.path)
        for name, path in links.items()
    }
    assert (
        there.items()
        >= {
            "bin": "usr/bin",
            "usr/bin/sh": "opt/shell/sh",
            "usr/bin/env": "opt/shell/env",
            "profile": "data/profile",
            "workspace": "data/workspace",
            "etc/chromium/policies/managed": "data/policies/managed",
        }.items()
    )
    assert sorted(path.name for path in (image.path / "usr/bin").iterdir()) == ["env", "sh"]


def test_everyone_may_read_it_and_no_bit_grants_privileges(image: Image) -> None:
    for path in image.path.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            assert mode & 0o004, path
            assert not mode & (stat.S_ISUID | stat.S_ISGID | 0o022), path


def test_its_python_starts_from_bytecode_alone(image: Image) -> None:
    program = image.path / places.PYTHON.lstrip("/")
    code = "import socket, json, selectors, sys; print(sys.prefix)"
    done = subprocess.run([program, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/opt/python")


@pytest.mark.skipif(not SHELL.exists(), reason="needs chromium-headless-shell")
def test_chromiums_libraries_are_all_there(runtime: Path) -> None:
    image = ensure_image(runtime, [BrowserFiles(SHELL)])
    inside = {path.name for path in image.path.rglob("*.so*")}
    done = subprocess.run(["ldd", SHELL], capture_output=True, text=True, check=True)
    needed = {line.split()[0].rpartition("/")[2] for line in done.stdout.splitlines() if "=> /" in line}
    assert needed <= inside
    assert {"libsoftokn3.so", "libfreebl3.so", "libfreeblpriv3.so", "libnssckbi.so"} <= inside


def test_two_builders_at_once_end_with_one_image(runtime: Path, browser: BrowserFiles) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: ensure_image(runtime, [browser]), range(2))
    assert one == two
    assert [path.name for path in runtime.iterdir() if path.is_dir()] == [one.digest]


def test_a_lock_file_can_be_locked_by_its_readers(image: Image) -> None:
    with (image.path / places.LOCK.lstrip("/")).open("rb") as lock:
        fcntl.lockf(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
