"""DevTools messages between bytes and values. Pure.

Chromium escapes half of a surrogate pair as it stands in a page's text, which is no Unicode (RFC 8259, section 8.2)
and which strict parsers refuse; such halves become U+FFFD.
"""

import re
from typing import Any, Final, TypeVar, cast

import msgspec

from cloche.browser.devtools.errors import AnswerMalformedError

Json = dict[str, Any]
T = TypeVar("T")

MAX_MENDED_BYTES: Final = 8 << 20
"""Of a message that has to be read the slow way: a browser chooses how long that keeps the daemon busy."""
MAX_ESCAPES: Final = 200_000

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape whole, a pair as one; the group is there for half of one. No possessive group: Python 3.11 before its fifth
release takes those wrong."""

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
    except RecursionError as error:
        raise AnswerMalformedError("DevTools sent something nested too deep") from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _slowly(data, Incoming)


def read(raw: msgspec.Raw, kind: type[T]) -> T:
    """Decode the part of a message that somebody asked for. Raises: AnswerMalformedError."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return cast(T, decoder.decode(raw))
    except RecursionError as error:
        raise AnswerMalformedError("DevTools sent something nested too deep") from error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _slowly(bytes(raw), kind)


def write_message(number: int, method: str, params: Json | None, session_id: str) -> bytes:
    message: Json = {"id": number, "method": method, "params": params or {}}
    if session_id:
        message["sessionId"] = session_id
    return _ENCODER.encode(message)


def _slowly(data: bytes, kind: type[T]) -> T:
    """Read what a strict parser refuses, mended."""
    if len(data) > MAX_MENDED_BYTES:
        raise AnswerMalformedError("DevTools sent something broken, and too much of it to be mended")
    try:
        return msgspec.json.decode(_mended(data), type=kind)
    except (RecursionError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise AnswerMalformedError("DevTools sent something else than was to be expected") from error


def _mended(data: bytes) -> bytes:
    """Put U+FFFD for halves of surrogate pairs and for what is no UTF-8.

    Raises: AnswerMalformedError.
    """
    data = data.decode("utf-8", "replace").encode()
    if data.count(b"\\") > MAX_ESCAPES:
        raise AnswerMalformedError("DevTools sent more that is broken than can be mended")
    return _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], data)
