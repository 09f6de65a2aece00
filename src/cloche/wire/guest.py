"""The guest protocol's vocabulary: requests to an agent in a virtual machine, and its answers.

Requests and answers are JSON in frames (`frames`), tagged by name: `"Ping"`, or `{"SleepPrep": {"drain_timeout_secs":
30}}`. Names are CamelCase and case-sensitive; optional values are written as null and may be missing on the way in;
unknown fields are ignored. Compatible with the published agent of that protocol; what is ours stands beside:
`argv` in `Exec`, which is run as it stands, and an `Error` frame where the other hangs up without a word.
"""

import json
import re
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cloche.wire.messages import Payload

GUEST_PORT: Final = 52
GUEST_PORT_UNPRIVILEGED: Final = 5252
PROTOCOL_VERSION: Final = 1
"""Ours, and the oldest we understand: what the hello compares."""
CAPABILITIES: Final = ("ping", "integration_status")
"""Of the published names those that we serve. A published host refuses a list with any other name in it."""
MAX_DRAIN_S: Final = 3600
MAX_EXEC_TIMEOUT_S: Final = 3600
DEFAULT_EXEC_TIMEOUT_S: Final = 30
MAX_ARGUMENTS: Final = 1024
MAX_NAMES: Final = 1024

_U32: Final = 2**32 - 1
_U64: Final = 2**64 - 1
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


class Verb(StrEnum):
    HELLO = "ProtocolHello"
    PING = "Ping"
    WORKER_STATUS = "WorkerStatus"
    SLEEP_PREP = "SleepPrep"
    WAKE = "Wake"
    POST_RESTORE = "PostRestore"
    INTEGRATION_STATUS = "IntegrationStatus"
    CHECKPOINT_INTEGRATIONS = "CheckpointIntegrations"
    PROBE_STATUS = "ProbeStatus"
    EXEC = "Exec"


class Answer(StrEnum):
    HELLO_ACK = "ProtocolHelloAck"
    MISMATCH = "ProtocolMismatch"
    PONG = "Pong"
    WORKER_STATUS = "WorkerStatus"
    SLEEP_PREP_ACK = "SleepPrepAck"
    WAKE_ACK = "WakeAck"
    POST_RESTORE_ACK = "PostRestoreAck"
    INTEGRATION_STATUS_REPORT = "IntegrationStatusReport"
    CHECKPOINT_RESULT = "CheckpointResult"
    PROBE_STATUS_REPORT = "ProbeStatusReport"
    EXEC_RESULT = "ExecResult"
    ERROR = "Error"


class RequestError(ValueError):
    """A request that will not do; the message goes back in an `Error` frame."""


class Tagged(NamedTuple):
    """A request or an answer: its tag, and its fields (none for a bare name)."""

    tag: str
    fields: Payload = {}  # noqa: RUF012 - shared, and never written to

    def value(self) -> str | Payload:
        """Return the JSON value that stands for it."""
        return {self.tag: self.fields} if self.fields else self.tag


class ExecRequest(NamedTuple):
    argv: tuple[str, ...]
    """What to run as it stands; `("/bin/sh", "-c", command)` for a request with a command text."""
    stdin: bytes
    timeout_s: float


class Hello(NamedTuple):
    host_protocol_version: int
    min_supported_version: int


def parse_tagged(body: bytes) -> Tagged:
    """Read a frame's body.

    Raises:
        RequestError: not JSON, or neither a name nor an object with one name in it.
    """
    try:
        # Decoded here: given bytes, `json` also takes UTF-16 and UTF-32.
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # RecursionError: a hundred thousand opening brackets
        raise RequestError("the frame is not JSON") from None
    if isinstance(value, str):
        return Tagged(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise RequestError("a request is a name, or an object with one name in it")
    ((tag, fields),) = value.items()
    if fields is not None and not isinstance(fields, dict):
        raise RequestError(f"the fields of {tag[:64]} must be an object")
    return Tagged(tag, fields or {})


def parse_request(body: bytes) -> tuple[Verb, Payload]:
    """Read a request's verb and its fields, which the functions below check.

    Raises:
        RequestError: as above, or a verb that there is not.
    """
    tag, fields = parse_tagged(body)
    try:
        return Verb(tag), fields
    except ValueError:
        raise RequestError(f"unknown verb: {tag[:64]}") from None


def read_drain_s(fields: Payload) -> float:
    """Read SleepPrep's `drain_timeout_secs`, an unsigned integer, required; more than an hour means an hour.

    Raises:
        RequestError: it is missing or none.
    """
    return float(min(_unsigned(fields, "drain_timeout_secs"), MAX_DRAIN_S))


def read_integrations(fields: Payload) -> tuple[str, ...]:
    """Read CheckpointIntegrations' names; an empty list means all of them.

    Raises:
        RequestError: not a list of names.
    """
    names = fields.get("integrations", [])
    if not isinstance(names, list) or len(names) > MAX_NAMES or not all(isinstance(name, str) for name in names):
        raise RequestError(f"integrations must be a list of at most {MAX_NAMES} names")
    return tuple(names)


def read_exec(fields: Payload) -> ExecRequest:
    """Read Exec: either `argv` (ours) or the documented `command`, a shell text; `stdin`, `timeout_secs`.

    Raises:
        RequestError: both or neither of them, or a value of the wrong type or size.
    """
    stdin = fields.get("stdin")
    if stdin is not None and not _is_text(stdin):
        raise RequestError("stdin must be text")
    timeout_s = _unsigned(fields, "timeout_secs", default=DEFAULT_EXEC_TIMEOUT_S)
    if not 0 < timeout_s <= MAX_EXEC_TIMEOUT_S:
        raise RequestError(f"timeout_secs must be from 1 to {MAX_EXEC_TIMEOUT_S}")
    return ExecRequest(_argv(fields), (stdin or "").encode(), float(timeout_s))


def _argv(fields: Payload) -> tuple[str, ...]:
    argv, command = fields.get("argv"), fields.get("command")
    if (argv is None) == (command is None):
        raise RequestError("Exec takes either argv or command")
    if command is not None:
        if not _is_argument(command):
            raise RequestError("command must be text without NUL")
        return ("/bin/sh", "-c", command)
    if not isinstance(argv, list) or not 0 < len(argv) <= MAX_ARGUMENTS or not all(map(_is_argument, argv)):
        raise RequestError(f"argv must be a list of 1 to {MAX_ARGUMENTS} texts without NUL")
    return tuple(argv)


def read_hello(fields: Payload) -> Hello:
    """Read ProtocolHello. Capabilities that we do not know are no mistake: the answer says which there are.

    Raises:
        RequestError: a version is missing or none.
    """
    return Hello(
        _unsigned(fields, "host_protocol_version", most=_U32), _unsigned(fields, "min_supported_version", most=_U32)
    )


def error(message: str) -> Tagged:
    return Tagged(Answer.ERROR, {"message": message})


def answer_hello(hello: Hello, agent_version: str) -> Tagged:
    """Agree, or tell who must move: versions agree when each side's is at least the other's oldest."""
    if hello.host_protocol_version >= PROTOCOL_VERSION >= hello.min_supported_version:
        return Tagged(
            Answer.HELLO_ACK,
            {
                "agent_protocol_version": PROTOCOL_VERSION,
                "min_supported_version": PROTOCOL_VERSION,
                "agent_version": agent_version,
                "capabilities": list(CAPABILITIES),
            },
        )
    action = "upgrade_host" if hello.host_protocol_version < PROTOCOL_VERSION else "rebuild_guest"
    return Tagged(
        Answer.MISMATCH,
        {
            "host_protocol_version": hello.host_protocol_version,
            "agent_protocol_version": PROTOCOL_VERSION,
            "required_action": action,
            "message": f"this agent speaks version {PROTOCOL_VERSION}",
        },
    )


def _unsigned(fields: Payload, name: str, *, most: int = _U64, default: int | None = None) -> int:
    value: Any = fields.get(name)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise RequestError(f"{name} must be an unsigned integer")
    return value


def _is_argument(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value and _is_text(value)


def _is_text(value: object) -> bool:
    """Tell text from anything else, and from a string with half a surrogate pair in it, which no UTF-8 can hold."""
    return isinstance(value, str) and _HALF_PAIR.search(value) is None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
