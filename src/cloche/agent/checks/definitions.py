"""What one drop-in file says: an integration or a probe. Keys, types and defaults are the published protocol's."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

LEAST_INTERVAL_S: Final = 1.0
LEAST_TIMEOUT_S: Final = 1.0
MAX_SECONDS: Final = 7 * 86400.0
"""The longest interval, timeout and grace; epoll takes no wait beyond 24 days (epoll_wait(2), in milliseconds)."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,63}")
_MAX_U64: Final = 2**64 - 1


class DropInError(ValueError):
    """A file that does not say what it should; the message says why."""


class Integration(NamedTuple):
    name: str
    health_cmd: str | None = None
    health_interval_s: float = 30.0
    health_timeout_s: float = 10.0
    startup_grace_s: float = 0.0
    checkpoint_cmd: str | None = None
    restore_cmd: str | None = None
    critical: bool = False


class Probe(NamedTuple):
    name: str
    cmd: str
    description: str | None = None
    interval_s: float = 30.0
    timeout_s: float = 10.0
    is_json: bool = False


Definition = TypeVar("Definition", Integration, Probe)
Fields = Mapping[str, Any]

INTEGRATION_KEYS: Final = frozenset(
    (
        "name",
        "health_cmd",
        "health_interval_secs",
        "health_timeout_secs",
        "startup_grace_secs",
        "checkpoint_cmd",
        "restore_cmd",
        "critical",
    )
)
PROBE_KEYS: Final = frozenset(
    ("name", "cmd", "command", "description", "interval_secs", "timeout_secs", "output_format")
)


def parse_object(data: bytes) -> Fields:
    """Read a file's object.

    Raises:
        DropInError: it is not one.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise DropInError("not JSON") from None
    if not isinstance(value, dict):
        raise DropInError("not an object")
    return value


def parse_integration(fields: Fields) -> Integration:
    """Read an integration; unknown keys are ignored.

    Raises:
        DropInError: the name is missing, or a value is of the wrong type.
    """
    return Integration(
        name=_name(fields),
        health_cmd=_text(fields, "health_cmd"),
        health_interval_s=_seconds(fields, "health_interval_secs", 30, LEAST_INTERVAL_S),
        health_timeout_s=_seconds(fields, "health_timeout_secs", 10, LEAST_TIMEOUT_S),
        startup_grace_s=_seconds(fields, "startup_grace_secs", 0, 0.0),
        checkpoint_cmd=_text(fields, "checkpoint_cmd"),
        restore_cmd=_text(fields, "restore_cmd"),
        critical=_flag(fields, "critical"),
    )


def parse_probe(fields: Fields) -> Probe:
    """Read a probe. Its command is in `cmd`, as the published agent wants it, or in `command`, as its page has it.

    Raises:
        DropInError: name or command are missing, there are two commands, or a value is of the wrong type.
    """
    cmd, command = _text(fields, "cmd"), _text(fields, "command")
    if cmd is not None and command is not None and cmd != command:
        raise DropInError("cmd and command differ")
    text = cmd if cmd is not None else command
    if text is None:
        raise DropInError("cmd is missing")
    output_format = fields.get("output_format", "exit_code")
    if output_format not in ("exit_code", "json"):
        raise DropInError("output_format must be exit_code or json")
    return Probe(
        name=_name(fields),
        cmd=text,
        description=_text(fields, "description"),
        interval_s=_seconds(fields, "interval_secs", 30, LEAST_INTERVAL_S),
        timeout_s=_seconds(fields, "timeout_secs", 10, LEAST_TIMEOUT_S),
        is_json=output_format == "json",
    )


def _name(fields: Fields) -> str:
    name = _text(fields, "name")
    if name is None:
        raise DropInError("name is missing")
    # It becomes a part of a path: a directory's own names are none.
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise DropInError("name must be 1 to 63 of A-Z a-z 0-9 . _ -")
    return name


def _text(fields: Fields, key: str) -> str | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value or not _is_encodable(value):
        raise DropInError(f"{key} must be text")
    return value


def _is_encodable(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, which no command line can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _seconds(fields: Fields, key: str, default: int, least: float) -> float:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_U64:
        raise DropInError(f"{key} must be a whole number of seconds")
    return min(max(float(value), least), MAX_SECONDS)


def _flag(fields: Fields, key: str) -> bool:
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise DropInError(f"{key} must be true or false")
    return value
