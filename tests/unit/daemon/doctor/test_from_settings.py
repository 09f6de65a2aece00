"""The doctor looks where the daemon is set to."""

from pathlib import Path

import pytest

from cloche.daemon.doctor.from_settings import doctor_settings
from cloche.daemon.settings import Settings


def test_the_doctor_looks_where_the_daemon_is_set_to(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOCHE_STATE_DIR", str(tmp_path))
        patch.setenv("CLOCHE_UID_RANGE", "5000:10")
        patch.setenv("CLOCHE_ADMIN_KEY", "ck_something")
        patch.setenv("CLOCHE_BUSYBOX", "/opt/busybox")
        patch.setenv("CLOCHE_CHROMIUM", "/opt/chromium/chrome")
        seen = doctor_settings(Settings())
    assert seen.database_url == f"sqlite:///{tmp_path}/cloche.db"
    assert (seen.busybox, seen.chromium) == ("/opt/busybox", Path("/opt/chromium/chrome"))
    assert (seen.first_uid, seen.uid_count, seen.has_admin_key) == (5000, 10, True)
