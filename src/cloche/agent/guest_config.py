"""The published guest agent's configuration file: `{"port": 52, "busy_threshold": 0.1, "sample_interval_secs": 5}`."""

import json
import math
from typing import Final, NamedTuple

DEFAULT_PATH: Final = "/etc/mvm/agent.json"
MAX_BYTES: Final = 64 * 1024
_MAX_PORT: Final = 2**32 - 2  # the last one means "any" to the kernel (vsock(7))


class GuestConfig(NamedTuple):
    """What the file says; None where it says nothing."""

    port: int | None = None
    busy_threshold: float | None = None
    sample_interval_s: float | None = None


def read_guest_config(path: str) -> GuestConfig:
    """Read the file.

    Raises:
        OSError: it cannot be read.
        ValueError: see `parse_guest_config`.
    """
    with open(path, "rb") as file:
        return parse_guest_config(file.read(MAX_BYTES + 1))


def parse_guest_config(data: bytes) -> GuestConfig:
    """Read the file's text; unknown keys are ignored, and an interval of 0 means one second. Pure.

    Raises:
        ValueError: no JSON object, too large, or a value that will not do; the message is fit to be shown.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    port = _number(value, "port", 1, _MAX_PORT, whole=True)
    interval = _number(value, "sample_interval_secs", 0, 86_400, whole=True)
    return GuestConfig(
        port=int(port) if port is not None else None,
        busy_threshold=_number(value, "busy_threshold", 0, 1e6),
        sample_interval_s=max(1.0, interval) if interval is not None else None,
    )


def _number(value: dict[str, object], key: str, least: float, most: float, whole: bool = False) -> float | None:
    number = value.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
        raise ValueError(f"{key} must be a{' whole' if whole else ''} number")
    if not math.isfinite(number) or not least <= number <= most:
        raise ValueError(f"{key} must be from {least:g} to {most:g}")
    return float(number)
