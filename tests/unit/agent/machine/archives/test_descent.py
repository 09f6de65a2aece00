import os
from pathlib import Path

import pytest

from cloche.agent.machine.archives.descent import Descent


def test_it_goes_down_over_and_up_and_makes_what_is_missing(tmp_path: Path) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    with Descent(top) as descent:
        for parts in ((b"a", b"b", b"c"), (b"a", b"x"), (), (b"a", b"b")):
            fd = descent.enter(parts, makes=True)
            assert os.path.samestat(os.fstat(fd), os.stat(os.path.join(os.fsencode(tmp_path), *parts)))
        with pytest.raises(FileNotFoundError):
            descent.enter((b"a", b"missing"))
        assert os.path.samestat(os.fstat(descent.enter((b"a",))), os.stat(tmp_path / "a"))
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(top)


def test_it_goes_through_no_link_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "file").touch()
    os.symlink("real", tmp_path / "link")
    top = os.open(tmp_path, os.O_RDONLY)
    with Descent(top) as descent:
        for name in (b"link", b"file"):
            with pytest.raises(NotADirectoryError):
                descent.enter((name,), makes=True)
    os.close(top)
