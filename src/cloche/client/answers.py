"""What comes back, as types. A newer server may say more; what is not known here is left out."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Browser(Answer):
    product: str
    revision: str


class Viewport(Answer):
    width: int
    height: int
    device_scale_factor: float


class ProfileUse(Answer):
    """The profile a session started from: at `revision`, 0 for an empty one. `save`: whether it saves back."""

    id: str
    save: bool
    form: str
    revision: int


class Session(Answer):
    """A session. `connect_url` is for DevTools clients, `live_url` for a person; both are None once it has ended."""

    id: str
    status: str
    reason: str
    owner: str
    created_at: datetime
    expires_at: datetime
    connect_url: str | None
    live_url: str | None
    engine: str
    browser: Browser | None
    viewport: Viewport
    budget: dict[str, Any]
    egress: dict[str, Any]
    labels: dict[str, str]
    action_allowed_domains: tuple[str, ...] = ()
    machine: bool = False
    """Programs may be run in its sandbox."""
    profile: ProfileUse | None = None
    private: bool = False
    """Nothing of it stays when it has ended."""
    downloads: str = "off"
    """`quarantine` or `off`."""
    pool: str | None = None
    """The named pool that it came from."""
    started: str = "cold"
    """`warm`: its sandbox was up already."""
    queue_position: int | None = None
    """From 1 while it waits for a place."""
    standby: dict[str, float | None] | None = None
    """`after_s`: nobody uses it for so long, and it sleeps. `hibernate_after_s`: asleep for so long, it is hibernated.
    None: only when it is told to."""
    usage: dict[str, Any]


class SessionPage(Answer):
    sessions: list[Session]
    next_cursor: str | None


class Event(Answer):
    """One thing that happened to a session; `id` is where to resume after it."""

    id: int
    session_id: str
    type: str
    at: datetime
    data: dict[str, Any]


class Reading(Answer):
    """What the agent in a session's sandbox said, and when. Its word is not the server's."""

    observed_at: datetime
    age_s: float


class Health(Reading):
    """`status` is healthy, degraded or unhealthy; `pid` is the agent's."""

    status: str
    browser_alive: bool
    worker_status: str
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


class AgentMetrics(Reading):
    """`_mb` is bytes / 2**20."""

    cpu_percent: float
    memory_used_mb: float
    memory_total_mb: float
    disk_used_mb: float
    disk_total_mb: float
    network_rx_mb: float
    network_tx_mb: float
    open_files: int
    goroutines: int


class HealthSummary(Answer):
    """`summary` is `k/n ok`, with the names of those that fail, or `-`."""

    total: int
    healthy: int
    summary: str


class ProbeRow(Answer):
    name: str
    healthy: bool
    detail: str
    output: Any
    checked_at: str


class IntegrationRow(Answer):
    """The last three are None until it was first checked."""

    name: str
    status: str
    healthy: bool | None
    detail: str | None
    checked_at: str | None


class AgentStatus(Answer):
    """`worker_status` is idle, busy or unknown."""

    session_id: str
    worker_status: str
    last_busy_at: str | None
    health_summary: HealthSummary
    probes: list[ProbeRow]
    integrations: list[IntegrationRow]


class Ping(Answer):
    pong: bool
    round_trip_ms: float


class ExecResult(Answer):
    """`exit_code` is -1 for a program that a signal ended."""

    exit_code: int
    stdout: str
    stderr: str


class Key(Answer):
    id: str
    name: str
    principal: str
    role: str
    scopes: list[str] = []
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(Key):
    """`secret` is told this once."""

    secret: str


class KeyPage(Answer):
    keys: list[Key]
    next_cursor: str | None


class Readiness(Answer):
    """Whether a session can be made now; if not, `reasons` by check."""

    ready: bool
    reasons: dict[str, str]
