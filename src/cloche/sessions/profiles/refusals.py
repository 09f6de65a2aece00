"""Why something of a profile was not done, as events and callers are told it."""

from typing import Final

from cloche.browser.contract.common import ActionError
from cloche.errors import ClocheError, ConflictError, NotFoundError

DELETED: Final = "profile_deleted"
NOT_SAVING: Final = "profile_not_saving"
OTHER_ENGINE: Final = "profile_other_engine"
NO_PROFILE: Final = "no_profile"
OFF: Final = "profiles_off"
IN_USE: Final = "profile_in_use"
NOT_RESTORED: Final = "profile_not_restored"


def reason_of(error: Exception) -> str:
    """A short stable word for why a session was not saved."""
    match error:
        case NotFoundError():
            return DELETED
        case ClocheError():
            reason = error.fields.get("reason")
            return reason if isinstance(reason, str) and reason else error.code
        case ActionError():
            return str(error.code)
        case TimeoutError():
            return "too_slow"
        case _:
            return "internal"


def no_profile() -> ConflictError:
    return ConflictError("the session has no profile that it saves to", reason=NO_PROFILE)
