"""The random secret of this server: 32 bytes in the state directory, made at first start, readable by it alone."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from cloche.errors import InternalError

SECRET_BYTES: Final = 32


def load_or_create(path: Path) -> bytes:
    """Read the secret, or make one. Two starting at once agree: the first to link its file into place wins."""
    if not path.exists():
        # Not named for the pid: in two containers on one volume both may be process 1.
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise InternalError("the server's secret file is damaged")
    return secret
