"""JSON as a stranger may send it: RFC 8259 to the letter, and no larger, deeper or wider than agreed."""

import json
import math
from typing import Any, Final, NoReturn

from cloche.errors import InvalidError

MAX_DEPTH: Final = 16
MAX_VALUES: Final = 10_000


def parse_json(data: bytes, *, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES) -> Any:
    """Parse UTF-8 JSON.

    Raises:
        InvalidError: not JSON; NaN or Infinity, a number beyond a double, a name twice in one object or half a
            surrogate pair, all of which Python's parser lets through; nested deeper than `max_depth` or holding
            more than `max_values` values.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique
        )
    except UnicodeDecodeError:
        raise InvalidError("the body is not UTF-8") from None
    except RecursionError:
        raise InvalidError("the body is nested too deeply") from None
    except ValueError:
        raise InvalidError("the body is not JSON") from None
    _check_shape(value, max_depth, max_values)
    return value


def _check_shape(value: Any, max_depth: int, max_values: int) -> None:
    seen, level = 0, [value]
    for depth in range(max_depth + 1):
        seen += len(level)
        if seen > max_values:
            raise InvalidError("the body holds too many values")
        for item in level:
            _check_text(item)
            if depth == max_depth and isinstance(item, dict | list):
                raise InvalidError("the body is nested too deeply")
        level = [child for item in level for child in _children(item)]


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_text(value: Any) -> None:
    texts = list(value) if isinstance(value, dict) else [value] if isinstance(value, str) else []
    for text in texts:
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise InvalidError("the body holds half a surrogate pair")


def _no_constant(name: str) -> NoReturn:
    raise InvalidError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidError("a number in the body is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidError("a name stands twice in one object")
    return value
