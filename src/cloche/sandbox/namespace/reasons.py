"""Why a namespace sandbox did not start: the `reason` of its `StartError`s, stable, also a metric label."""

from enum import StrEnum
from typing import Final

from cloche.errors import StartError


class StartReason(StrEnum):
    BUBBLEWRAP_MISSING = "bubblewrap_missing"
    USER_NAMESPACES_FORBIDDEN = "user_namespaces_forbidden"
    CHROMIUM_MISSING = "chromium_missing"
    CHROMIUM_NOT_EXECUTABLE = "chromium_not_executable"
    IMAGE_MISSING = "image_missing"
    PATH_UNREACHABLE = "path_unreachable"
    RUN_DIR_FULL = "run_dir_full"
    RUN_DIR_UNWRITABLE = "run_dir_unwritable"
    RUN_DIR_PATH_TOO_LONG = "run_dir_path_too_long"
    UID_RANGE_EXHAUSTED = "uid_range_exhausted"
    UID_RANGE_TAKEN = "uid_range_taken"
    CGROUP_FAILED = "cgroup_failed"
    SPAWN_FAILED = "spawn_failed"
    SANDBOX_DIED_AT_START = "sandbox_died_at_start"


_DETAIL: Final[dict[StartReason, str]] = {
    StartReason.BUBBLEWRAP_MISSING: "bubblewrap is not installed on the server",
    StartReason.USER_NAMESPACES_FORBIDDEN: "the server's kernel settings forbid user namespaces",
    StartReason.CHROMIUM_MISSING: "this engine's browser is not installed on the server",
    StartReason.CHROMIUM_NOT_EXECUTABLE: "this engine's browser cannot be executed on the server",
    StartReason.IMAGE_MISSING: "the sandbox's root image could not be built",
    StartReason.PATH_UNREACHABLE: "a directory the sandbox needs cannot be reached by its own user",
    StartReason.RUN_DIR_FULL: "the server's run directory is full",
    StartReason.RUN_DIR_UNWRITABLE: "the server's run directory cannot be written",
    StartReason.RUN_DIR_PATH_TOO_LONG: "the path of the server's run directory is too long for a unix socket",
    StartReason.UID_RANGE_EXHAUSTED: "no user id is free for one more sandbox",
    StartReason.UID_RANGE_TAKEN: "the user ids set aside for sandboxes belong to someone else",
    StartReason.CGROUP_FAILED: "the limits of the sandbox could not be set",
    StartReason.SPAWN_FAILED: "the sandbox could not be started",
    StartReason.SANDBOX_DIED_AT_START: "the sandbox ended while it was starting",
}


def start_error(reason: StartReason) -> StartError:
    """The error for the user: no path and no program's output; those go to the log beside it."""
    return StartError(_DETAIL[reason], reason=str(reason))


# What bubblewrap 0.8–0.11 says where the kernel, a sysctl or AppArmor refuses it a user namespace.
_FORBIDDEN: Final = (
    "creating new namespace failed",
    "no permissions to create",
    "no permissions to creating new namespace",
    "setting up uid map",
    "failed rtm_newaddr",
    "unprivileged user namespaces",
    "max_user_namespaces",
)


def reason_of_death(output: str) -> StartReason:
    """Tell from what bubblewrap wrote why it gave up."""
    lowered = output.lower()
    if any(phrase in lowered for phrase in _FORBIDDEN):
        return StartReason.USER_NAMESPACES_FORBIDDEN
    return StartReason.SANDBOX_DIED_AT_START
