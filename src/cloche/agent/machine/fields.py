"""A request's JSON body, field by field. The host has checked it too; here a wrong type must only not do harm."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cloche.agent.machine.problem import invalid


class Fields:
    """Every method raises `Problem` (400) for a value of the wrong type or outside its bounds. A null is no value."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None, *, max_chars: int = 64 * 1024) -> str:
        """Without a default it must be there. A NUL is never part of one, nor what is no character (half of a pair)."""
        value = self._get(name, default)
        if not _is_text(value, max_chars):
            raise invalid("must be text", name)
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise invalid("must be true or false", name)
        return value

    def number(self, name: str, default: float | None = None, *, low: float, high: float) -> float:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid("must be a number", name)
        if not low <= value <= high:  # also what is not a number (NaN), and one that no float can hold
            raise invalid(f"must be from {low:g} to {high:g}", name)
        return float(value)

    def whole(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid("must be a whole number", name)
        if not low <= value <= high:
            raise invalid(f"must be from {low} to {high}", name)
        return value

    def texts(self, name: str, *, max_items: int = 1024, max_chars: int = 128 * 1024) -> list[str]:
        value = self._get(name, [])
        if not isinstance(value, list) or len(value) > max_items:
            raise invalid(f"must be a list of at most {max_items} texts", name)
        if not all(_is_text(item, max_chars) for item in value):
            raise invalid("must be a list of texts", name)
        return value

    def pairs(self, name: str, *, max_items: int = 256, max_chars: int = 128 * 1024) -> dict[str, str]:
        """Names and values as an environment has them."""
        value = self._get(name, {})
        if not isinstance(value, dict) or len(value) > max_items:
            raise invalid(f"must be an object of at most {max_items} texts", name)
        for key, item in value.items():
            if not key or "=" in key or not _is_text(key, max_chars) or not _is_text(item, max_chars):
                raise invalid("must be an object of texts", name)
        return value

    def data(self, name: str, *, max_bytes: int) -> bytes:
        """Base64 (RFC 4648, section 4)."""
        text = self.text(name, max_chars=(max_bytes + 2) // 3 * 4)
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise invalid("must be base64", name) from None
        if len(data) > max_bytes:
            raise invalid(f"must be at most {max_bytes} bytes", name)
        return data

    def nested(self, name: str) -> "Fields":
        """An object in the object; empty where there is none."""
        return Fields(self.mapping(name))

    def mapping(self, name: str) -> dict[str, Any]:
        """An object of anything; the caller looks at its size and shape."""
        value = self._get(name, {})
        if not isinstance(value, dict):
            raise invalid("must be an object", name)
        return value

    def _get(self, name: str, default: object) -> Any:
        value = self._values.get(name)
        if value is not None:
            return value
        if default is None:
            raise invalid("is missing", name)
        return default


def _is_text(value: object, max_chars: int) -> bool:
    if not isinstance(value, str) or len(value) > max_chars or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
