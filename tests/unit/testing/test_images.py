import os
from pathlib import Path

import pytest

from cloche.testing import images


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a daemon has built, and a directory to keep it in."""
    (tmp_path / "kept").mkdir()
    monkeypatch.setenv(images.VARIABLE, str(tmp_path / "kept"))
    image = tmp_path / "first/runtime/d1"
    (image / "usr/share/cloche").mkdir(parents=True)
    (image / "usr/share/cloche/image.lock").touch()
    (image / "usr/lib").mkdir()
    (image / "usr/lib/libc.so.6").write_bytes(b"elf")
    (image / "lib").symlink_to("usr/lib")
    (image.parent / "d1.json").write_text("{}")
    image.parent.chmod(0o711)
    return image.parent


def test_what_the_first_has_built_the_next_one_finds(built: Path, tmp_path: Path) -> None:
    images.keep(built)
    second = tmp_path / "second/state/runtime"
    (tmp_path / "second").mkdir()
    images.lend(second)
    assert {str(path.relative_to(second)) for path in second.rglob("*")} == {
        str(path.relative_to(built)) for path in built.rglob("*")
    }
    assert (second / "d1/lib").readlink() == Path("usr/lib")
    assert second.stat().st_mode == built.stat().st_mode
    assert (second / "d1/usr/lib/libc.so.6").samefile(built / "d1/usr/lib/libc.so.6")
    lock = "d1/usr/share/cloche/image.lock"
    assert not (second / lock).samefile(built / lock), "whoever locks one would lock all"


def test_what_is_there_is_left_alone(built: Path, tmp_path: Path) -> None:
    images.keep(built)
    (built / "d2").mkdir()
    images.keep(built)
    second = tmp_path / "second/runtime"
    second.mkdir(parents=True)
    images.lend(second)
    assert os.listdir(second) == []
    (tmp_path / "third").mkdir()
    images.lend(tmp_path / "third/runtime")
    assert sorted(os.listdir(tmp_path / "third/runtime")) == ["d1", "d1.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
def test_who_runs_as_somebody_else_builds_for_itself(built: Path, tmp_path: Path) -> None:
    os.chown(built, 12345, 12345)
    images.keep(built)
    assert os.listdir(tmp_path / "kept") == []
    os.chown(built, 0, 0)
    images.keep(built)
    (tmp_path / "others").mkdir()
    os.chown(tmp_path / "others", 12345, 12345)
    images.lend(tmp_path / "others/state/runtime")
    assert os.listdir(tmp_path / "others") == []


def test_without_a_directory_nothing_is_kept(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(images.VARIABLE)
    images.keep(built)
    images.lend(tmp_path / "second/runtime")
    assert not (tmp_path / "second").exists()
    assert os.listdir(tmp_path / "kept") == []
