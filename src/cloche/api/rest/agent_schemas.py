"""What goes over the REST border about a session's agent."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from cloche.api.rest.schemas import In, Out
from cloche.sessions.exec_request import ExecRequest
from cloche.wire.guest import DEFAULT_EXEC_TIMEOUT_S, MAX_ARGUMENTS, MAX_EXEC_TIMEOUT_S
from cloche.wire.messages import HealthStatus, WorkerStatus


class ExecIn(In):
    """The body of `POST /v1/sessions/{id}/agent/exec`: either `argv`, run as it stands, or `command`, shell text.

    Arguments or command: at most 128 KiB in all; `stdin` likewise.
    """

    argv: Annotated[list[str], Field(min_length=1, max_length=MAX_ARGUMENTS)] | None = None
    command: Annotated[str, Field(min_length=1)] | None = None
    stdin: str | None = None
    timeout_s: Annotated[int, Field(ge=1, le=MAX_EXEC_TIMEOUT_S)] = DEFAULT_EXEC_TIMEOUT_S

    def to_request(self) -> ExecRequest:
        argv = tuple(self.argv) if self.argv is not None else None
        return ExecRequest(argv=argv, command=self.command, stdin=self.stdin, timeout_s=self.timeout_s)


class ReadingOut(Out):
    """The word of the agent in the sandbox, and when it was said."""

    observed_at: datetime
    age_s: float


class SessionHealthOut(ReadingOut):
    """`pid` is the agent's, inside the sandbox, as `browser_pid` is; `memory_mb` counts 2**20 bytes."""

    status: HealthStatus
    browser_alive: bool
    worker_status: WorkerStatus
    cpu_percent: float
    memory_mb: float
    uptime_seconds: float
    pid: int
    browser_pid: int | None
    processes: int
    restarts: int
    cpu_seconds: float
    limit_kills: int
    programs: int


class SessionMetricsOut(ReadingOut):
    """`_mb` counts 2**20 bytes; the disk is the workspace's file system."""

    cpu_percent: float
    memory_used_mb: float
    memory_total_mb: float
    disk_used_mb: float
    disk_total_mb: float
    network_rx_mb: float
    network_tx_mb: float
    open_files: int
    goroutines: int


class HealthSummaryOut(Out):
    """Of the checks that have run. `summary`: `3/3 ok`, `1/2 ok (name)`, or `-`."""

    total: int
    healthy: int
    summary: str


class ProbeOut(Out):
    name: str
    healthy: bool
    detail: str
    output: Any
    checked_at: str


class IntegrationOut(Out):
    """The last three are null until it was first checked."""

    name: str
    status: str
    healthy: bool | None
    detail: str | None
    checked_at: str | None


class AgentOut(Out):
    session_id: str
    worker_status: WorkerStatus
    last_busy_at: str | None
    health_summary: HealthSummaryOut
    probes: list[ProbeOut]
    integrations: list[IntegrationOut]


class PingOut(Out):
    pong: Literal[True] = True
    round_trip_ms: float


class ExecOut(Out):
    """`exit_code` is -1 for a program that a signal ended, or that outlived its time."""

    exit_code: int
    stdout: str
    stderr: str
