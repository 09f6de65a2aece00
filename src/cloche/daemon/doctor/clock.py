"""The wall clock: sessions, tokens and certificates are judged by it."""

from datetime import UTC, datetime
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "clock"
MEANING: Final = "tokens and TLS certificates hold from one date to another"
RELEASED: Final = datetime(2026, 11, 1, tzinfo=UTC)
LATEST: Final = datetime(2046, 1, 1, tzinfo=UTC)


def check(_settings: DoctorSettings) -> CheckResult:
    return judge(datetime.now(UTC))


def judge(now: datetime) -> CheckResult:
    found = f"{now:%Y-%m-%d %H:%M} UTC"
    if not RELEASED <= now <= LATEST:
        return bad(NAME, MEANING, f"{found} cannot be right", "timedatectl set-ntp true")
    return good(NAME, MEANING, found)
