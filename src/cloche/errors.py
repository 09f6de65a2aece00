"""Every exception Cloche raises on purpose, by who is at fault.

    ClocheError
    ├── CallerError                 the request is wrong; sending it again unchanged will not help
    │   ├── InvalidError            400 invalid_request
    │   ├── UnauthenticatedError    401 unauthenticated
    │   ├── DeniedError             403 denied
    │   ├── NotFoundError           404 not_found
    │   ├── ConflictError           409 conflict
    │   ├── GoneError               410 session_gone         the session existed and has ended
    │   ├── TooLargeError           413 too_large
    │   ├── RangeError              416 range_not_satisfiable
    │   └── StorageFullError        507 storage_full         the session's own space
    ├── CapacityError               come back later; carries `retry_after_s`
    │   ├── QuotaError              429 quota_exceeded       the principal's own quota
    │   └── BusyError               429 busy                 what is asked of one thing at once
    │       └── NoRoomError         503 busy                 the server has no room for another session now
    ├── SandboxError                the sandbox or what runs in it is at fault
    │   ├── StartError              502 start_failed         carries `reason`
    │   ├── LostError               502 sandbox_lost
    │   ├── AgentError              502 agent_failed
    │   └── DeadlineError           504 deadline_exceeded
    ├── JournalError                503 audit_unavailable    nothing can be written down, so nothing new is done
    └── InternalError               500 internal             ours

`detail` is for the user: no path, class name or traceback. Whatever helps the operator goes to the log.
Doors map a class to their own status through the class attributes; no door keeps a table of its own.
"""

from typing import ClassVar


class ClocheError(Exception):
    """The root. Subclasses set `code` (stable, machine-readable), the statuses, and whether a retry can help."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    grpc_status: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **fields: str | int | float | bool | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields


class CallerError(ClocheError):
    code = "invalid_request"
    http_status = 400
    grpc_status = "INVALID_ARGUMENT"


class InvalidError(CallerError):
    """The request is malformed or asks for something outside the limits. `field` names the culprit."""


class UnauthenticatedError(CallerError):
    code = "unauthenticated"
    http_status = 401
    grpc_status = "UNAUTHENTICATED"


class DeniedError(CallerError):
    code = "denied"
    http_status = 403
    grpc_status = "PERMISSION_DENIED"


class NotFoundError(CallerError):
    """No such thing, or not the caller's: the two are told apart nowhere."""

    code = "not_found"
    http_status = 404
    grpc_status = "NOT_FOUND"


class ConflictError(CallerError):
    code = "conflict"
    http_status = 409
    grpc_status = "FAILED_PRECONDITION"


class GoneError(CallerError):
    """The session has ended. `reason` tells why (the session's own reason)."""

    code = "session_gone"
    http_status = 410
    grpc_status = "FAILED_PRECONDITION"


class TooLargeError(CallerError):
    code = "too_large"
    http_status = 413
    grpc_status = "RESOURCE_EXHAUSTED"


class RangeError(CallerError):
    """The bytes asked for lie beyond the end. `size` is where that is (RFC 9110, section 15.5.17)."""

    code = "range_not_satisfiable"
    http_status = 416
    grpc_status = "OUT_OF_RANGE"


class StorageFullError(CallerError):
    """There is no room left in the session: nothing of what was to be written is there."""

    code = "storage_full"
    http_status = 507
    grpc_status = "RESOURCE_EXHAUSTED"


class CapacityError(ClocheError):
    code = "busy"
    http_status = 429
    grpc_status = "RESOURCE_EXHAUSTED"
    retryable = True

    def __init__(self, detail: str, *, retry_after_s: int = 5, **fields: str | int | float | bool | None) -> None:
        super().__init__(detail, **fields)
        self.retry_after_s = retry_after_s


class QuotaError(CapacityError):
    code = "quota_exceeded"


class BusyError(CapacityError):
    code = "busy"


class NoRoomError(BusyError):
    """No further session now. `reason` tells what there is too little of, `queued` how many wait, `position` where.

    A 503 and no 429 (RFC 9110, section 15.6.4): the caller did not ask for too much, and another server may have room.
    """

    http_status = 503


class SandboxError(ClocheError):
    code = "sandbox_failed"
    http_status = 502
    grpc_status = "UNAVAILABLE"
    retryable = True


class StartError(SandboxError):
    """A sandbox or its browser did not come up. `reason` is a short stable slug, also a metric label."""

    code = "start_failed"

    def __init__(self, detail: str, *, reason: str, **fields: str | int | float | bool | None) -> None:
        super().__init__(detail, reason=reason, **fields)
        self.reason = reason


class LostError(SandboxError):
    code = "sandbox_lost"


class AgentError(SandboxError):
    code = "agent_failed"


class DeadlineError(SandboxError):
    code = "deadline_exceeded"
    http_status = 504
    grpc_status = "DEADLINE_EXCEEDED"


class JournalError(ClocheError):
    """The audit journal is full or cannot be written. `done` tells whether what was asked for was done all the same."""

    code = "audit_unavailable"
    http_status = 503
    grpc_status = "UNAVAILABLE"
    retryable = True


class InternalError(ClocheError):
    pass
