"""What an agent's machine API answers, taken apart with suspicion. Pure.

Every byte was written inside the sandbox. A refusal becomes one of our errors, by its status; of what it says only a
code, a sentence and a few known facts are kept, bounded and printable.
"""

import json
from typing import Final, NoReturn

from cloche.errors import (
    AgentError,
    BusyError,
    ClocheError,
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
    RangeError,
    StorageFullError,
    TooLargeError,
)
from cloche.sessions.agent_values import MAX_AMOUNT, slug, text
from cloche.wire.messages import Payload

MAX_REFUSAL_BYTES: Final = 64 * 1024
MAX_MESSAGE_CHARS: Final = 512
MAX_VALUES: Final = 250_000
"""In an answer, counted as its commas and opening brackets: an empty list takes 2 bytes on the wire, 56 in memory."""

_UNCLEAR: Final = "the agent's answer was not understood"
_BY_STATUS: Final[dict[int, type[ClocheError]]] = {
    400: InvalidError,
    403: DeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    416: RangeError,
    429: BusyError,
    507: StorageFullError,
}
_SLUGS: Final = ("field", "phase")


def error_of(status: int, body: bytes) -> ClocheError:
    """The error that a refusal stands for; its code is `reason`. What is none of ours is the agent's fault."""
    try:
        told = read_object(body)
    except AgentError:
        told = {}
    kind = _BY_STATUS.get(status, AgentError)
    fields: dict[str, str | int | bool] = {name: slug(told[name]) for name in _SLUGS if slug(told.get(name))}
    if reason := slug(told.get("code")):
        fields["reason"] = reason
    if isinstance(rolled_back := told.get("rolled_back"), bool):
        fields["rolled_back"] = rolled_back
    size = told.get("size")
    if kind is RangeError and isinstance(size, int) and 0 <= size <= MAX_AMOUNT:
        fields["size"] = int(size)
    message = text(told.get("message"), MAX_MESSAGE_CHARS).strip() or "the agent refused the request"
    if detail := text(told.get("detail"), MAX_MESSAGE_CHARS).strip():
        message = f"{message}: {detail}"
    return kind(message, **fields)


def read_object(body: bytes) -> Payload:
    """Read an answer that must be a JSON object. Raises: AgentError."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise AgentError("the agent's answer is too large")
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise AgentError(_UNCLEAR) from None
    if not isinstance(value, dict):
        raise AgentError(_UNCLEAR)
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
