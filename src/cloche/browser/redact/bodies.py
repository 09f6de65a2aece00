"""Bodies of requests and responses without their secrets. Pure."""

import json
import re
from typing import Final

from cloche.browser.redact.names import REDACTED, is_secret_name
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import redact_query

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_FIELD_NAME: Final = re.compile(r"(?<!\w)name=\"?([^\"\r\n;]*+)", re.IGNORECASE)
_FORM: Final = "application/x-www-form-urlencoded"


def redact_body(text: str, mime_type: str) -> str:
    """Return what may be shown of a body; JSON that is cut off or broken is read as free text."""
    kind = mime_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        return redact_query(text)
    if kind.startswith("multipart/"):
        return "\n--".join(_part(part) for part in text.split("\n--"))
    if kind.endswith("json") or text.lstrip()[:1] in ("{", "["):
        return _redact_json(text)
    return redact_text(text)


def _redact_json(text: str) -> str:
    try:
        return json.dumps(_walk(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):  # no JSON, only its beginning, or nested past what Python's stack holds
        return redact_text(text)


def _walk(value: Json) -> Json:
    match value:
        case dict():
            return {name: _secret(item) if is_secret_name(name) else _walk(item) for name, item in value.items()}
        case list():
            return [_walk(item) for item in value]
        case str():
            return redact_text(value)
        case _:
            return value


def _secret(value: Json) -> Json:
    """Hide all of it. That there is none, or yes and no, tells nothing."""
    return value if value is None or isinstance(value, bool) or value == "" else REDACTED


def _part(part: str) -> str:
    """One part of a form with files: its field's name is in its header, which an empty line ends."""
    for gap in ("\r\n\r\n", "\n\n"):
        header, found, body = part.partition(gap)
        name = _FIELD_NAME.search(header)
        if found and name is not None and is_secret_name(name[1]):
            return header + found + REDACTED + ("\r" if body.endswith("\r") else "")
    return redact_text(part)
