"""Playwright's storage states as files."""

import json
from pathlib import Path
from typing import Any, Final

from cloche.errors import InvalidError

MAX_STATE_BYTES: Final = 16 << 20


def read_state(path: Path) -> dict[str, Any]:
    """Read a state that a file holds. Raises: InvalidError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_STATE_BYTES + 1)
        value = json.loads(data) if len(data) <= MAX_STATE_BYTES else None
    except OSError as error:
        raise InvalidError(f"{path} could not be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidError(f"{path} is not a storage state of at most {MAX_STATE_BYTES >> 20} MiB")
    return value
