"""Who may have a session's machine: run programs in it, read and write its files. Pure."""

from cloche.errors import DeniedError
from cloche.sessions.principal import Principal, Scope

NOT_ALLOWED = "machine_not_allowed"
OFF = "machine_off"


def require_scope(principal: Principal) -> None:
    """Raises: DeniedError (`machine_not_allowed`) for a user whose key has not the scope."""
    if not principal.has(Scope.MACHINE):
        raise DeniedError(
            "this needs a key with the scope `machine`, or an admin's", field="machine", reason=NOT_ALLOWED
        )


def require_machine(principal: Principal, *, made_with: bool, off: str = OFF) -> None:
    """Raises: DeniedError: the session was not made with `machine` (reason `off`), or as `require_scope`."""
    if not made_with:
        raise DeniedError("this needs a session that was made with `machine`", reason=off)
    require_scope(principal)
