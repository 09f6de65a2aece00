"""What an agent says of its session's health and numbers, taken apart with suspicion. Pure.

Every value was written inside the sandbox: known keys only, numbers finite and bounded, states out of their enums.
What is missing or of the wrong type is 0, as it is with the agent itself where it cannot read something.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cloche.sessions.agent_values import amount, count
from cloche.wire.messages import HealthStatus, Payload, WorkerStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Observed(Generic[T]):
    """Something an agent said, and when it did."""

    value: T
    observed_at: datetime
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A `heartbeat`, or the answer to a request for one. `pid` is the agent's; `memory_mb` counts 2**20 bytes."""

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
    """Of the process API, that run."""
    checks: bool = False
    """It has integrations or probes, which are to get ready before it is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A `metrics` message. `_mb` counts 2**20 bytes; the disk is the workspace's file system."""

    cpu_percent: float
    memory_used_mb: float
    memory_total_mb: float
    disk_used_mb: float
    disk_total_mb: float
    network_rx_mb: float
    network_tx_mb: float
    open_files: int
    goroutines: int


def read_health(payload: Payload) -> Health | None:
    """Read a heartbeat; None when it does not say what the health is, which is all it is for."""
    try:
        status = HealthStatus(payload.get("status"))  # type: ignore[arg-type]  # a wrong type is a wrong value too
    except ValueError:
        return None
    return Health(
        status=status,
        browser_alive=payload.get("browser_alive") is True,
        worker_status=_worker_status(payload.get("worker_status")),
        cpu_percent=amount(payload.get("cpu_percent"), 100),
        memory_mb=amount(payload.get("memory_mb")),
        uptime_seconds=amount(payload.get("uptime_seconds")),
        pid=count(payload.get("pid")),
        browser_pid=count(payload.get("browser_pid")) or None,
        processes=count(payload.get("processes")),
        restarts=count(payload.get("restarts")),
        cpu_seconds=amount(payload.get("cpu_seconds")),
        limit_kills=count(payload.get("limit_kills")),
        programs=count(payload.get("programs")),
        checks=payload.get("checks") is True,
    )


def read_figures(payload: Payload) -> Figures:
    return Figures(
        cpu_percent=amount(payload.get("cpu_percent"), 100),
        memory_used_mb=amount(payload.get("memory_used_mb")),
        memory_total_mb=amount(payload.get("memory_total_mb")),
        disk_used_mb=amount(payload.get("disk_used_mb")),
        disk_total_mb=amount(payload.get("disk_total_mb")),
        network_rx_mb=amount(payload.get("network_rx_mb")),
        network_tx_mb=amount(payload.get("network_tx_mb")),
        open_files=count(payload.get("open_files")),
        goroutines=count(payload.get("goroutines")),
    )


def _worker_status(value: object) -> WorkerStatus:
    try:
        return WorkerStatus(value)  # type: ignore[arg-type]  # a wrong type is a wrong value too
    except ValueError:
        return WorkerStatus.UNKNOWN
