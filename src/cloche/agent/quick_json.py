"""JSON without the `json` package, for the one document that stands between the agent's start and Chromium's.

Importing `json` takes 10 ms (it pulls in `re` and `enum`), as long as the interpreter's own start. The C scanner
below it takes 0.2 ms and needs only these few settings. CPython keeps it private, so where it is missing or has
changed its ways the package does the work.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Settings:
    """What `json.JSONDecoder` gives the scanner."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def loads(text: str) -> Any:
    """Parse a document that has no white space around it.

    Raises:
        ValueError: not JSON.
    """
    try:
        from _json import make_scanner

        value, end = make_scanner(_Settings)(text, 0)  # type: ignore[arg-type]  # it reads attributes of whatever it gets
    except (ImportError, AttributeError, TypeError, ValueError, StopIteration, RecursionError):
        value, end = None, -1
    if end == len(text):
        return value
    import json

    return json.loads(text)
