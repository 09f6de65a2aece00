"""State and run directory: writable, with room, short enough, passable."""

from dataclasses import replace
from pathlib import Path

from cloche.daemon.doctor import directories
from cloche.daemon.doctor.check import DoctorSettings


def test_a_directory_that_is_not_made_yet_is_judged_by_where_it_will_be(tmp_path: Path) -> None:
    assert directories.nearest_existing(tmp_path / "a/b") == tmp_path


def test_a_full_disk_is_a_warning() -> None:
    result = directories.judge("state_dir", "meaning", Path("/tmp"), least_free_bytes=1 << 60)
    assert result.ok is None
    assert "make room" in result.mend


def test_a_directory_that_sessions_users_may_not_pass_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    closed.chmod(0o700)
    assert directories.first_closed(closed / ".") in (closed, *closed.parents)


def test_a_file_in_the_way_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert directories.judge("state_dir", "meaning", tmp_path / "file").ok is False


def test_a_run_directory_too_long_for_sockets_is_told(settings: DoctorSettings) -> None:
    long = replace(settings, run_dir=Path("/run/" + "x" * 100))
    assert directories.check_run(long).ok is False
