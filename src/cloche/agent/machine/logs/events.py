"""Lines as server-sent events (WHATWG HTML, section 9.2), quickly: there may be tens of thousands a second. ASCII.

    id: <where to go on after this line>
    data: {"timestamp": "…Z", "message": "…"}

`partial` stands with a message that has not come to the end of its line. Pure.
"""

import json
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii


def timestamp(at: float) -> str:
    """RFC 3339 in UTC, with milliseconds; `at` is in seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line_event(time: str, text: str, id_: str, *, is_partial: bool = False) -> str:
    partial = ',"partial":true' if is_partial else ""
    message = encode_basestring_ascii(text)
    return f'id: {id_}\ndata: {{"timestamp":"{time}","message":{message}{partial}}}\n\n'


def beginning(id_: str) -> str:
    """Where a stream begins, for who loses it before its first line: a block without data is no event to a reader."""
    return f"id: {id_}\n\n"


def gap_event(**fields: str | int) -> str:
    """Lines are or may be missing here. It has no id: whoever comes back after it is told again."""
    return f"data: {json.dumps({'event': 'gap'} | fields, separators=(',', ':'))}\n\n"
