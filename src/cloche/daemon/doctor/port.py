"""The addresses to listen on: this machine's own, and free or held by a daemon of ours."""

import errno
import json
import socket
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "port"
MEANING: Final = "the daemon listens here for clients"


def check(settings: DoctorSettings) -> CheckResult:
    found = [_check("CLOCHE_HTTP_BIND", "http", settings.http_bind, settings)]
    if settings.grpc_bind:
        found.append(_check("CLOCHE_GRPC_BIND", "grpc", settings.grpc_bind, settings))
    wrong = next((result for result in found if not result.ok), None)
    return wrong or good(NAME, MEANING, "; ".join(result.found for result in found))


def _check(setting: str, door: str, bind: str, settings: DoctorSettings) -> CheckResult:
    host, _, port = bind.rpartition(":")
    error = try_to_bind(host.strip("[]"), int(port))
    if error is None:
        return good(NAME, MEANING, f"{bind} is free")
    if error.errno == errno.EADDRINUSE:
        if listens_here(settings.state_dir, door) == bind:
            return good(NAME, MEANING, f"{bind} is held by the running daemon")
        mend = f"see who holds it with `ss -ltnp 'sport = :{port}'`, or set {setting} to another"
        return bad(NAME, MEANING, f"{bind} is taken", mend)
    mend = f"set {setting} to an address of this machine, such as 127.0.0.1:{port}"
    return bad(NAME, MEANING, f"cannot listen on {bind}: {error.strerror}", mend)


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


def listens_here(state_dir: Path, door: str = "http") -> str | None:
    """Where the daemon of this state directory says it listens; `door` is `http` or `grpc`."""
    try:
        record = json.loads((state_dir / "daemon.json").read_text())
    except (OSError, ValueError):
        return None
    return str(record.get(door)) if isinstance(record, dict) else None
