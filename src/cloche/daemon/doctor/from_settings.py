"""From the daemon's settings to what the doctor needs of them."""

from cloche.daemon.doctor.check import DoctorSettings
from cloche.daemon.policy import key_source, uid_range
from cloche.daemon.settings import Settings


def doctor_settings(settings: Settings) -> DoctorSettings:
    """Raises InvalidError when CLOCHE_UID_RANGE cannot be read."""
    uids = uid_range(settings)
    return DoctorSettings(
        state_dir=settings.state_dir,
        run_dir=settings.run_dir,
        http_bind=settings.http_bind,
        grpc_bind=settings.grpc_bind,
        database_url=settings.database_url or f"sqlite:///{settings.state_dir / 'cloche.db'}",
        chromium_shell=settings.chromium_shell,
        chromium=settings.chromium,
        bubblewrap=str(settings.bubblewrap or "bwrap"),
        busybox=str(settings.busybox or "busybox"),
        first_uid=uids.first,
        uid_count=uids.count,
        has_admin_key=settings.admin_key is not None,
        max_sessions=settings.max_sessions,
        state_key=key_source(settings),
    )
