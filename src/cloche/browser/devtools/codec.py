"""DevTools messages between bytes and values. Pure.

Chromium escapes half of a surrogate pair as it stands in a page's text, which is no Unicode (RFC 8259, section 8.2)
and which strict parsers refuse; such halves become U+FFFD.
"""

import json
from typing import Any, Final, TypeVar, cast

import msgspec

from cloche.browser.devtools.errors import AnswerMalformedError

Json = dict[str, Any]
T = TypeVar("T")

EMPTY: Final = msgspec.Raw(b"{}")


class Problem(msgspec.Struct):
    code: int = 0
    message: str = ""


class Incoming(msgspec.Struct):
    """An answer (`id`) or an event (`method`)."""

    id: int | None = None
    method: str = ""
    sessionId: str = ""
    params: msgspec.Raw = EMPTY
    result: msgspec.Raw = EMPTY
    error: Problem | None = None


_INCOMING: Final = msgspec.json.Decoder(Incoming)
_DECODERS: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
_ENCODER: Final = msgspec.json.Encoder()


def read_message(data: bytes) -> Incoming:
    """Raises: AnswerMalformedError."""
    try:
        return _INCOMING.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _slowly(data, Incoming)


def read(raw: msgspec.Raw, kind: type[T]) -> T:
    """Decode the part of a message that somebody asked for. Raises: AnswerMalformedError."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return cast(T, decoder.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _slowly(bytes(raw), kind)


def write_message(number: int, method: str, params: Json | None, session_id: str) -> bytes:
    message: Json = {"id": number, "method": method, "params": params or {}}
    if session_id:
        message["sessionId"] = session_id
    return _ENCODER.encode(message)


def _slowly(data: bytes, kind: type[T]) -> T:
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_constant=lambda _: None)
        if kind is Incoming:
            value = {k: msgspec.Raw(_dumps(v)) if k in ("params", "result") else v for k, v in value.items()}
            return cast(T, msgspec.convert({k: v for k, v in value.items() if v is not None}, Incoming))
        return msgspec.json.decode(_dumps(value), type=kind)
    except (ValueError, RecursionError, AttributeError, msgspec.MsgspecError) as error:
        raise AnswerMalformedError("DevTools sent something else than was to be expected") from error


def _dumps(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
