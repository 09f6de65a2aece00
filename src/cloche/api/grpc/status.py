"""Errors out: a status, and what a program goes by as trailing metadata. The gRPC side of `api.problem`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import grpc

from cloche.errors import CapacityError, ClocheError, InternalError, JournalError, NoRoomError

INTERNAL: Final = InternalError("internal error")
"""What is told of an error that no one foresaw."""
MAX_VALUE_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Status:
    """How a call failed. Metadata are `cloche-code`, and where there is one `cloche-reason`, `cloche-field`,
    `cloche-done` (whether it was done all the same), `retry-after`, in seconds, and of a create that found no room
    `cloche-short-of`, `cloche-position` and `cloche-queued`."""

    code: grpc.StatusCode
    detail: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def status_of(error: ClocheError) -> Status:
    """Render any error of ours."""
    metadata = {"cloche-code": error.code}
    for name in ("reason", "field"):
        if error.fields.get(name):
            metadata[f"cloche-{name}"] = _ascii(str(error.fields[name]))
    if isinstance(error, NoRoomError):
        told = {name: error.fields.get(name) for name in ("short_of", "position", "queued")}
        metadata |= {
            f"cloche-{name.replace('_', '-')}": str(value) for name, value in told.items() if value is not None
        }
    if isinstance(error, JournalError):
        metadata["cloche-done"] = "true" if error.fields.get("done") else "false"
    if isinstance(error, CapacityError):
        metadata["retry-after"] = str(error.retry_after_s)
    return Status(grpc.StatusCode[error.grpc_status], error.detail, metadata)


def _ascii(text: str) -> str:
    """Metadata values are printable ASCII (gRPC over HTTP/2, "ASCII-Value")."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:MAX_VALUE_CHARS])
