"""The address to listen on: one of this machine's, and free or held by a daemon of ours."""

import errno
import json
import socket
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "port"
MEANING: Final = "the daemon listens here for clients"


def check(settings: DoctorSettings) -> CheckResult:
    host, _, port = settings.http_bind.rpartition(":")
    error = try_to_bind(host.strip("[]"), int(port))
    if error is None:
        return good(NAME, MEANING, f"{settings.http_bind} is free")
    if error.errno == errno.EADDRINUSE:
        if listens_here(settings.state_dir) == settings.http_bind:
            return good(NAME, MEANING, f"{settings.http_bind} is held by the running daemon")
        mend = f"see who holds it with `ss -ltnp 'sport = :{port}'`, or set CLOCHE_HTTP_BIND to another"
        return bad(NAME, MEANING, f"{settings.http_bind} is taken", mend)
    mend = "set CLOCHE_HTTP_BIND to an address of this machine, such as 127.0.0.1:8090"
    return bad(NAME, MEANING, f"cannot listen on {settings.http_bind}: {error.strerror}", mend)


def try_to_bind(host: str, port: int) -> OSError | None:
    """Bind for a moment; the error when it cannot be done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            # With SO_REUSEADDR only listen tells that another socket listens already.
            probe.listen(1)
    except OSError as error:
        return error
    return None


def listens_here(state_dir: Path) -> str | None:
    """Where the daemon of this state directory says it listens."""
    try:
        record = json.loads((state_dir / "daemon.json").read_text())
    except (OSError, ValueError):
        return None
    return str(record.get("http")) if isinstance(record, dict) else None
