"""Problem answers back to the classes of `cloche.errors`, by their code. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from cloche.errors import (
    AgentError,
    CapacityError,
    ClocheError,
    InternalError,
    InvalidError,
    NoRoomError,
    StartError,
)

Scalar = str | int | float | bool | None

_SHAPE = frozenset({"type", "title", "status", "detail", "code", "retryable", "retry_after_s", "reason"})


def failure(status: int, body: bytes) -> ClocheError:
    """The error that an answer of 400 or above stands for.

    A code this client does not know becomes the nearest family: the caller's fault, the sandbox's, or the server's.
    """
    return _failure(_problem(body), status, f"the server answered {status}")


def told_failure(data: str) -> ClocheError | None:
    """The error that a stream's last event tells of; None for any other event."""
    told = _problem(data)
    if told.get("event") != "error":
        return None
    problem = {"code": told.get("code"), "detail": told.get("message")}
    if told.get("reason") is not None:
        problem["reason"] = told["reason"]
    return _failure(problem, 500, "the stream was broken off")


def _failure(problem: dict[str, Any], status: int, otherwise: str) -> ClocheError:
    detail = str(problem.get("detail") or otherwise)
    fields = {name: value for name, value in problem.items() if name not in _SHAPE and isinstance(value, Scalar)}
    code = str(problem.get("code"))
    class_ = _BY_CODE_AND_STATUS.get((code, status)) or _BY_CODE.get(code) or _nearest(status)
    if issubclass(class_, StartError):
        return class_(detail, reason=str(problem.get("reason", "")), **fields)
    if "reason" in problem:
        fields["reason"] = str(problem["reason"])
    if issubclass(class_, CapacityError):
        wait = problem.get("retry_after_s")
        return class_(detail, retry_after_s=wait if isinstance(wait, int) else 5, **fields)
    return class_(detail, **fields)


def _nearest(status: int) -> type[ClocheError]:
    if status < 500:
        return InvalidError
    return AgentError if status in (502, 503, 504) else InternalError


def _problem(body: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _family(root: type[ClocheError]) -> Iterator[type[ClocheError]]:
    yield root
    for child in root.__subclasses__():
        yield from _family(child)


_BY_CODE = {class_.code: class_ for class_ in _family(ClocheError) if class_ is not NoRoomError}
"""Where a family and one of its members share a code, the member comes later and stays."""
_BY_CODE_AND_STATUS = {(NoRoomError.code, NoRoomError.http_status): NoRoomError}
"""What the code alone does not tell."""
