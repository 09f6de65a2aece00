"""The lifecycle of a session as one table. Pure.

              ┌──► sleeping ──┐
              │        │      ▼
pending ──► ready ◄────┘  hibernated
   │          │ ▲─────────────┤
   │          ▼               │
   ├──────► closing ◄─────────┘    (from `sleeping` as well; `ready` becomes `hibernated` as well)
   ▼          ▼
 failed     closed          (failed is also reached from any live state when the sandbox is lost)
"""

from typing import Final

from cloche.errors import ConflictError
from cloche.sessions.model import EndReason, SessionStatus

_S = SessionStatus

TRANSITIONS: Final[dict[SessionStatus, frozenset[SessionStatus]]] = {
    _S.PENDING: frozenset({_S.READY, _S.CLOSING, _S.FAILED}),
    _S.READY: frozenset({_S.SLEEPING, _S.HIBERNATED, _S.CLOSING, _S.FAILED}),
    _S.SLEEPING: frozenset({_S.READY, _S.HIBERNATED, _S.CLOSING, _S.FAILED}),
    _S.HIBERNATED: frozenset({_S.READY, _S.CLOSING, _S.FAILED}),
    _S.CLOSING: frozenset({_S.CLOSED, _S.FAILED}),
    _S.CLOSED: frozenset(),
    _S.FAILED: frozenset(),
}

FAILURES: Final = frozenset(
    {
        EndReason.START_FAILED,
        EndReason.SANDBOX_LOST,
        EndReason.BROWSER_GAVE_UP,
        EndReason.OUT_OF_MEMORY,
        EndReason.SNAPSHOT_LOST,
    }
)
"""Ends that nobody wanted: the session becomes `failed`, the others `closed`."""


def advance(current: SessionStatus, wanted: SessionStatus) -> SessionStatus:
    """Return `wanted` if the table allows the step.

    Raises:
        ConflictError: it does not.
    """
    if wanted not in TRANSITIONS[current]:
        raise ConflictError(f"a session that is {current} cannot become {wanted}", status=str(current))
    return wanted
