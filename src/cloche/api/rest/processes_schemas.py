"""What goes over the REST border about the programs of a session."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloche.api.rest.machine_schemas import (
    Amount,
    ExitCode,
    LongText,
    NoNul,
    Pid,
    ShortText,
    Signal,
    Slug,
    Time,
    Told,
    Whole,
)
from cloche.api.rest.schemas import In
from cloche.wire.machine import (
    DEFAULT_EXEC_S,
    DEFAULT_OUTPUT_BYTES,
    MAX_EXEC_S,
    MAX_JSON_BYTES,
    MAX_OUTPUT_BYTES,
    MAX_PATH_BYTES,
    MAX_TTY_SIDE,
)

MAX_ARGUMENTS = 1024
MAX_TEXT_CHARS = 128 * 1024
"""What the kernel takes of one argument (MAX_ARG_STRLEN, execve(2))."""
BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"

Argument = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS), NoNul]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^=\x00]+$")]
Base64In = Annotated[str, StringConstraints(max_length=MAX_JSON_BYTES, pattern=BASE64)]
Base64Out = Annotated[str, StringConstraints(max_length=MAX_OUTPUT_BYTES // 3 * 4 + 4, pattern=BASE64)]
Seconds = Annotated[float, Field(ge=0.001, le=MAX_EXEC_S)]
Side = Annotated[int, Field(ge=1, le=MAX_TTY_SIDE)]
SignalName = Literal["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"]
ProcessId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class ProgramIn(In):
    """A program and what it is given. `command` is looked for in PATH and run as it stands, by no shell.

    `cwd` is absolute; the default is the workspace. `as_user` may only be the session's own user, and `as_root` only
    false: there is no other user inside.
    """

    command: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH_BYTES), NoNul]
    args: Annotated[list[Argument], Field(max_length=MAX_ARGUMENTS)] = []  # noqa: RUF012 - pydantic copies it
    cwd: Annotated[str, StringConstraints(max_length=MAX_PATH_BYTES, pattern=r"^/"), NoNul] | None = None
    env: Annotated[dict[Name, Argument], Field(max_length=256)] = {}  # noqa: RUF012 - pydantic copies it
    as_user: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    as_root: bool = False


class ProcessExecIn(ProgramIn):
    """The body of `POST …/process/exec`. Of what it prints, both streams together, the last
    `max_output_bytes` come back."""

    timeout_sec: Seconds = DEFAULT_EXEC_S
    stdin_b64: Base64In | None = None
    max_output_bytes: Annotated[int, Field(ge=0, le=MAX_OUTPUT_BYTES)] = DEFAULT_OUTPUT_BYTES
    kill_on_disconnect: bool = False


class ProcessSpawnIn(ProgramIn):
    """The body of `POST …/process/spawn`. `rows` and `cols` are those of the terminal."""

    allocate_tty: bool = False
    rows: Side | None = None
    cols: Side | None = None
    timeout_sec: Seconds | None = None


class ProcessStdinIn(In):
    """The body of `POST …/process/{process_id}/stdin`. `eof` closes standard input after the data."""

    data_b64: Base64In
    eof: bool = False


class ProcessKillIn(In):
    """The body of `POST …/process/{process_id}/kill`; the signal goes to the program and all it has started."""

    signal: SignalName


class ProcessResizeIn(In):
    """The body of `POST …/process/{process_id}/resize`."""

    rows: Side
    cols: Side


class ProcessExecOut(Told):
    """`exit_code` is null for a program that a signal ended."""

    process_id: ProcessId
    exit_code: ExitCode | None
    signal: Signal | None
    timed_out: bool
    stdout_b64: Base64Out
    stderr_b64: Base64Out
    stdout_truncated: bool
    stderr_truncated: bool
    duration_ms: Amount


class ProcessSpawnOut(Told):
    process_id: ProcessId
    pid: Pid
    started_at: Time


class ProcessStatusOut(Told):
    """`args` may be cut; `args_count` is how many there were.

    CPU and memory are those of the program and all it has started; `cpu_pct` is of one processor. Of the output,
    `output_bytes` have come in all; what stands before `output_kept_from` has been dropped.
    """

    process_id: ProcessId
    pid: Pid
    command: LongText
    args: Annotated[list[LongText], Field(max_length=MAX_ARGUMENTS)]
    args_count: Whole
    state: Literal["running", "exited"]
    exit_code: ExitCode | None
    signal: Signal | None
    timed_out: bool
    cpu_pct: Amount
    cpu_seconds: Amount
    mem_bytes: Whole
    started_at: Time
    exited_at: Time | None
    tty: bool
    output_bytes: Whole
    output_kept_from: Whole


class ProcessListOut(Told):
    processes: Annotated[list[ProcessStatusOut], Field(max_length=4096)]


class ProcessStdinOut(Told):
    written_bytes: Whole


class PartOut(Told):
    """What the session keeps: `agent`, `browser`, and each program as `process:<id>`."""

    name: Slug
    state: Slug
    pid: Pid | None
    started_at: Time | None
    restarts: Whole
    reason: ShortText
    changed_at: Time | None


class ProcessRowOut(Told):
    """A process of the kernel's. `part` says whose it is; `memory_mb` counts 2**20 bytes."""

    pid: Pid
    ppid: Pid
    name: ShortText
    state: ShortText
    cpu_seconds: Amount
    memory_mb: Amount
    part: Slug | None = None


class PartsOut(Told):
    parts: Annotated[list[PartOut], Field(max_length=4096)]
    processes: Annotated[list[ProcessRowOut], Field(max_length=65_536)]
