"""Settings of a machine on which nothing has been set up yet."""

from pathlib import Path

import pytest

from cloche.daemon.doctor.check import DoctorSettings


@pytest.fixture
def settings(tmp_path: Path) -> DoctorSettings:
    return DoctorSettings(
        state_dir=tmp_path,
        run_dir=Path("/run/cloche-doctor-test"),
        http_bind="127.0.0.1:0",
        database_url=f"sqlite:///{tmp_path}/cloche.db",
        chromium_shell=Path("/usr/lib/chromium/chromium-headless-shell"),
    )
