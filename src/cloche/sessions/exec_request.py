"""A program to be run in a session's sandbox: what may be asked for, and how the agent is asked. Pure."""

from dataclasses import dataclass
from typing import Final

from cloche.errors import InvalidError
from cloche.wire.guest import DEFAULT_EXEC_TIMEOUT_S, MAX_ARGUMENTS, MAX_EXEC_TIMEOUT_S, Tagged, Verb
from cloche.wire.messages import Payload

MAX_ARGV_BYTES: Final = 128 * 1024
"""Of all arguments, or of the shell text, in UTF-8."""
MAX_STDIN_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecRequest:
    """Either `argv`, which is run as it stands, or `command`, a text for the sandbox's shell."""

    argv: tuple[str, ...] | None = None
    command: str | None = None
    stdin: str | None = None
    timeout_s: int = DEFAULT_EXEC_TIMEOUT_S


def exec_question(request: ExecRequest) -> Tagged:
    """Check a request and turn it into what the agent is asked.

    Raises:
        InvalidError: `field` names what is missing, malformed or too large.
    """
    if (request.argv is None) == (request.command is None):
        raise InvalidError("give either argv or command", field="argv")
    if request.argv is not None:
        _check_argv(request.argv)
    if request.command is not None:
        _check_size("command", (request.command,), MAX_ARGV_BYTES)
    _check_size("stdin", (request.stdin or "",), MAX_STDIN_BYTES)
    if not 1 <= request.timeout_s <= MAX_EXEC_TIMEOUT_S:
        raise InvalidError(f"must be from 1 to {MAX_EXEC_TIMEOUT_S} seconds", field="timeout_s")
    what: Payload = {"command": request.command} if request.argv is None else {"argv": list(request.argv)}
    return Tagged(Verb.EXEC, what | {"stdin": request.stdin, "timeout_secs": request.timeout_s})


def _check_argv(argv: tuple[str, ...]) -> None:
    if not 1 <= len(argv) <= MAX_ARGUMENTS or not argv[0]:
        raise InvalidError(f"must be a program and up to {MAX_ARGUMENTS - 1} arguments", field="argv")
    _check_size("argv", argv, MAX_ARGV_BYTES)


def _check_size(field: str, texts: tuple[str, ...], most: int) -> None:
    if field != "stdin" and any("\0" in text for text in texts):
        raise InvalidError("must hold no NUL", field=field)
    try:
        size = sum(len(text.encode()) for text in texts)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell
        raise InvalidError("must be text", field=field) from None
    if size > most:
        raise InvalidError(f"must be at most {most} bytes", field=field)
