"""Without a shell sessions work, so what stands in its way is a warning, with the package that mends it."""

from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor import shell
from cloche.daemon.doctor.check import DoctorSettings


@pytest.mark.parametrize("program", ["/nonexistent/busybox", "/bin/cat"])
def test_what_cannot_serve_as_one_is_a_warning(settings: DoctorSettings, program: str) -> None:
    result = shell.check(replace(settings, busybox=program))
    assert result.ok is None
    assert program in result.found
    assert "apt-get install busybox-static" in result.mend


def test_a_program_without_a_shell_is_one_too(settings: DoctorSettings, tmp_path: Path) -> None:
    (tmp_path / "busybox").write_bytes(b"\x7fELF" + bytes(100))
    (tmp_path / "busybox").chmod(0o755)
    assert shell.check(replace(settings, busybox=str(tmp_path / "busybox"))).ok is None


def test_the_shell_of_this_machine_is_found(settings: DoctorSettings) -> None:
    assert shell.check(settings).ok is True
