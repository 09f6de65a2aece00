"""Keys: a daemon that listens beyond this machine must have one, and refuses to start without."""

import ipaddress
import sqlite3
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good
from cloche.daemon.doctor.database import sqlite_path

NAME: Final = "keys"
MEANING: Final = "whoever can reach the daemon needs a key; beyond loopback it does not start without one"


def check(settings: DoctorSettings) -> CheckResult:
    binds = [bind for bind in (settings.http_bind, settings.grpc_bind) if bind]
    beyond = next((bind for bind in binds if not is_loopback(bind)), None)
    if beyond is None:
        return good(NAME, MEANING, f"{' and '.join(binds)} on loopback; a key is made at the first start")
    if settings.has_admin_key:
        return good(NAME, MEANING, "CLOCHE_ADMIN_KEY is set")
    if (count := count_keys(settings.database_url)) != 0:
        return good(NAME, MEANING, "keys exist" if count is None else f"{count} in the database")
    return bad(NAME, MEANING, f"{beyond} is beyond loopback and there is no key", "cloche key create --local")


def is_loopback(bind: str) -> bool:
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def count_keys(url: str) -> int | None:
    """How many keys the embedded database holds; None where only the daemon can tell."""
    path = sqlite_path(url)
    if path is None:
        return None
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("select count(*) from keys where revoked_at is null").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()
