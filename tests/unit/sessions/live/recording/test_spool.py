import os
from pathlib import Path

import pytest

from cloche.sessions.live.recording import spool as module
from cloche.sessions.live.recording.spool import Spool
from cloche.testing.tmpfs import filled, tmpfs
from cloche.vault.sealed import SealError

BATCHES = [b"one" * 1000, b"", os.urandom(600_000), b"four"]


def test_batches_come_out_as_they_went_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for batch in BATCHES:
        spool.append(batch)
    assert [spool.read(number) for number in range(spool.batches)] == BATCHES
    assert spool.size_bytes > sum(map(len, BATCHES))
    spool.close()
    spool.close()


def test_nothing_of_it_is_in_the_directory_nor_in_the_clear(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"what the page showed" * 100)
    assert list(tmp_path.iterdir()) == []
    with Path(f"/proc/self/fd/{spool._fd}").open("rb") as file:
        raw = file.read()
    assert len(raw) == spool.size_bytes
    assert b"page" not in raw
    spool.close()


def test_a_file_system_that_has_only_files_with_names_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "O_TMPFILE", os.O_DIRECTORY)
    spool = Spool(tmp_path)
    spool.append(b"x")
    assert spool.read(0) == b"x"
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_what_was_changed_on_the_disk_does_not_open(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"a" * 100)
    spool.append(b"b" * 100)
    os.pwrite(spool._fd, b"\0", spool.size_bytes - 5)
    assert spool.read(0) == b"a" * 100
    with pytest.raises(SealError):
        spool.read(1)
    os.ftruncate(spool._fd, 20)
    with pytest.raises(SealError):
        spool.read(0)
    spool.close()


def test_what_does_not_fit_leaves_what_did(tmp_path: Path) -> None:
    with tmpfs("size=1m") as disk:
        spool = Spool(disk)
        spool.append(b"a" * 1000)
        with filled(disk, leave_bytes=8192), pytest.raises(OSError, match="No space"):
            spool.append(os.urandom(100_000))
        assert spool.batches == 1
        spool.append(b"c" * 1000)
        assert [spool.read(0), spool.read(1)] == [b"a" * 1000, b"c" * 1000]
        assert 0 < spool.free_bytes() < 1 << 20
        spool.close()
