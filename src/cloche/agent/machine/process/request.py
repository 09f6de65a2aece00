"""What is asked for: a request's fields as a program to start, and a failed start as what was wrong with them."""

import errno
import os
import pwd
from collections.abc import Mapping
from typing import Final

from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem, invalid, problem_of
from cloche.agent.machine.process.program import ProgramSpec
from cloche.agent.start import WrongDirectoryError
from cloche.wire.agent_config import AgentConfig
from cloche.wire.machine import (
    DEFAULT_EXEC_S,
    DEFAULT_OUTPUT_BYTES,
    MAX_EXEC_S,
    MAX_JSON_BYTES,
    MAX_OUTPUT_BYTES,
    MAX_PATH_BYTES,
    MAX_TTY_SIDE,
    WORKSPACE,
)

_SHORTEST_S: Final = 0.001
_TERM: Final = "xterm-256color"
_ROWS, _COLUMNS = 24, 80

_NO_COMMAND: Final = (errno.ENOENT, errno.ENOTDIR)
_NOT_EXECUTABLE: Final = (errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.EISDIR, errno.ELIBBAD, errno.EINVAL)


def exec_spec(fields: Fields, config: AgentConfig) -> ProgramSpec:
    """Raises: Problem."""
    spec = _spec(fields, config)
    return spec._replace(
        timeout_s=fields.number("timeout_sec", DEFAULT_EXEC_S, low=_SHORTEST_S, high=MAX_EXEC_S),
        stdin=fields.data("stdin_b64", max_bytes=MAX_JSON_BYTES) if fields.has("stdin_b64") else b"",
    )


def spawn_spec(fields: Fields, config: AgentConfig) -> ProgramSpec:
    """Raises: Problem."""
    spec = _spec(fields, config)
    if fields.has("timeout_sec"):
        spec = spec._replace(timeout_s=fields.number("timeout_sec", low=_SHORTEST_S, high=MAX_EXEC_S))
    window = window_of(fields, rows=_ROWS, columns=_COLUMNS)
    if fields.flag("allocate_tty"):
        spec = spec._replace(window=window, env={"TERM": _TERM, **spec.env})
    return spec


def window_of(fields: Fields, *, rows: int | None = None, columns: int | None = None) -> tuple[int, int]:
    """Rows and columns; without a default they must be there. Raises: Problem."""
    return (
        fields.whole("rows", rows, low=1, high=MAX_TTY_SIDE),
        fields.whole("cols", columns, low=1, high=MAX_TTY_SIDE),
    )


def start_problem(error: OSError | ValueError) -> Problem:
    """What a failed start means to whoever asked for it."""
    if isinstance(error, WrongDirectoryError):
        problem = problem_of(error)
        # A directory that is wrong is a request that is wrong, whatever is wrong with it.
        return Problem(400, problem.code, problem.message, field="cwd")
    if not isinstance(error, OSError):
        return invalid("cannot be started", "command")
    if error.errno in _NO_COMMAND:
        return Problem(400, "command_not_found", "there is no such command", field="command")
    if error.errno in _NOT_EXECUTABLE:
        return Problem(400, "not_executable", "the command cannot be executed", field="command")
    if error.errno == errno.E2BIG:
        return invalid("the arguments and the environment are too long together", "args")
    return problem_of(error)


def _spec(fields: Fields, config: AgentConfig) -> ProgramSpec:
    _require_own_user(fields, config.machine_env)
    command = fields.text("command")
    if not command:
        raise invalid("is empty", "command")
    return ProgramSpec(
        argv=(command, *fields.texts("args")),
        env={**config.machine_env, **fields.pairs("env")},
        directory=_directory(fields, config.workspace),
        kept_bytes=fields.whole("max_output_bytes", DEFAULT_OUTPUT_BYTES, low=0, high=MAX_OUTPUT_BYTES),
    )


def _directory(fields: Fields, workspace: str) -> str:
    """The workspace goes by its own name, wherever it really lies."""
    path = fields.text("cwd", WORKSPACE, max_chars=MAX_PATH_BYTES)
    if not path.startswith("/"):
        raise invalid("must be absolute", "cwd")
    if path == WORKSPACE or path.startswith(f"{WORKSPACE}/"):
        return workspace + path[len(WORKSPACE) :]
    return path


def _require_own_user(fields: Fields, env: Mapping[str, str]) -> None:
    """A sandbox has one user and cannot become another."""
    user, as_root = fields.text("as_user", ""), fields.flag("as_root")
    if user and as_root:
        raise invalid("either as_user or as_root", "as_user")
    if as_root:
        raise Problem(400, "no_such_user", "there is no root in the session", field="as_root")
    if user and user not in _own_names(env):
        raise Problem(400, "no_such_user", "the session has no such user", field="as_user")


def _own_names(env: Mapping[str, str]) -> set[str]:
    uid, gid = os.getuid(), os.getgid()
    names = {str(uid), f"{uid}:{gid}", *(env[name] for name in ("USER", "LOGNAME") if env.get(name))}
    try:
        names.add(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return names  # the sandbox's user need not stand in a file
    return names
