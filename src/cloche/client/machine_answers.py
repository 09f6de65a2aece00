"""What comes back from the machine API, as types."""

import base64
from datetime import datetime
from typing import Any

from pydantic import Base64Bytes

from cloche.client.answers import Answer


class Run(Answer):
    """How a program ended. `exit_code` is None for one that a signal ended; then `signal` is its number."""

    process_id: str
    exit_code: int | None
    signal: int | None
    timed_out: bool
    stdout_b64: Base64Bytes
    stderr_b64: Base64Bytes
    stdout_truncated: bool
    stderr_truncated: bool
    duration_ms: float

    @property
    def stdout(self) -> bytes:
        return self.stdout_b64

    @property
    def stderr(self) -> bytes:
        return self.stderr_b64


class Spawned(Answer):
    process_id: str
    pid: int
    started_at: datetime


class ProgramStatus(Answer):
    """`state` is running or exited; `cpu_pct` is of one processor, `mem_bytes` of all that the program has started."""

    process_id: str
    pid: int
    command: str
    state: str
    exit_code: int | None
    signal: int | None
    timed_out: bool
    cpu_pct: float
    cpu_seconds: float
    mem_bytes: int
    started_at: datetime
    exited_at: datetime | None
    tty: bool


class ProgramList(Answer):
    processes: list[ProgramStatus]


class Output(Answer):
    """A piece of what a program printed, that something is missing (`event` gap), or its end (`event` exit)."""

    stream: str | None = None
    data_b64: str | None = None
    event: str | None = None
    missed_bytes: int | None = None
    exit_code: int | None = None
    signal: int | None = None

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.data_b64 or "")


class FileEntry(Answer):
    """`mode` as `ls -l` shows it. `path_b64` is there where the name is not UTF-8; then `path` only approximates it."""

    name: str
    path: str
    path_b64: str | None = None
    size_bytes: int
    is_dir: bool
    is_link: bool
    link_target: str | None = None
    mod_time: datetime
    mode: str


class LogLine(Answer):
    """A line, or that some are missing (`event` gap; `reason` or `missed_lines` say more)."""

    timestamp: datetime | None = None
    message: str = ""
    partial: bool = False
    event: str | None = None
    reason: str | None = None
    missed_lines: int | None = None


class Part(Answer):
    """What the session keeps running: `agent`, `browser`, and programs as `process:<id>`."""

    name: str
    state: str
    pid: int | None
    started_at: datetime | None
    restarts: int
    reason: str
    changed_at: datetime | None


class Parts(Answer):
    parts: list[Part]
    processes: list[dict[str, Any]]


class BrowserStart(Answer):
    """A browser that answers, and how long it took to get there."""

    browser: dict[str, Any]
    stop_ms: float
    start_ms: float
    total_ms: float
    restored_tabs: int


class BrowserStop(Answer):
    state: str
    stop_ms: float


class Uploaded(Answer):
    files: int
    bytes: int
    notes: tuple[str, ...] = ()


class Nothing(Answer):
    """An answer that says no more than that it went well."""
