"""Paths of files as requests name them: as text where they are UTF-8, else as base64, since a name is bytes."""

import base64
import binascii
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Query, Request

from cloche.api.upload.forms import checked_path
from cloche.errors import InvalidError
from cloche.wire.machine import MAX_PATH_BYTES

MAX_BASE64_CHARS: Final = MAX_PATH_BYTES * 4 // 3 + 4


def path_bytes(text: str | None, encoded: str | None, field: str) -> bytes:
    """The path that one of the two gives. Raises: InvalidError for both, for none, and for what is no path."""
    if text is not None and encoded is not None:
        raise InvalidError(f"{field} and {field}_b64 exclude each other", field=field)
    if encoded is not None:
        return checked_path(_decoded(encoded, f"{field}_b64"), f"{field}_b64")
    return checked_path((text or "").encode("utf-8", "surrogatepass"), field)


def _decoded(text: str, field: str) -> bytes:
    """Base64 in either alphabet (RFC 4648, sections 4 and 5), padded or not."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        if len(text) > MAX_BASE64_CHARS:
            raise InvalidError(f"a path has at most {MAX_PATH_BYTES} bytes", field=field)
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidError("must be base64", field=field) from None


def require_utf8(request: Request) -> None:
    """The framework would quietly put U+FFFD for what is not UTF-8, which names another file."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise InvalidError("a query is UTF-8; other paths go into path_b64", field="path") from None


async def _asked_path(
    request: Request,
    path: Annotated[str | None, Query(description="`/workspace/…`, `/profile/…`, or relative to the workspace")] = None,
    path_b64: Annotated[str | None, Query(description="Instead of `path`: its bytes in base64")] = None,
) -> bytes:
    require_utf8(request)
    return path_bytes(path, path_b64, "path")


AskedPath = Annotated[bytes, Depends(_asked_path)]


def encoded_path(path: bytes) -> str:
    """As the agent takes it in JSON."""
    return base64.b64encode(path).decode()


def last_name(path: bytes) -> str:
    return path.rstrip(b"/").rpartition(b"/")[2].decode("utf-8", "replace")
