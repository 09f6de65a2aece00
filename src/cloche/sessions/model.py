"""What a session is: the facts that are stored, listed and shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from cloche.ids import EventId, PrincipalName, ProfileId, SessionId
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.profiles.model import ProfileForm
from cloche.sandbox.spec import Engine
from cloche.sessions.resting import Snapshot, StandbyRequest, StandbyUse


class SessionStatus(StrEnum):
    PENDING = "pending"
    READY = "ready"
    SLEEPING = "sleeping"
    HIBERNATED = "hibernated"
    """Nothing of it runs: its state is sealed on the disk, and whoever comes has it brought back."""
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


class EndReason(StrEnum):
    """Why a session ended or failed: stable, shown to users, a metric label."""

    CLOSED_BY_USER = "closed_by_user"
    IDLE_TIMEOUT = "idle_timeout"
    LIFETIME_REACHED = "lifetime_reached"
    SERVER_STOPPING = "server_stopping"
    SANDBOX_LOST = "sandbox_lost"
    BROWSER_GAVE_UP = "browser_gave_up"
    OUT_OF_MEMORY = "out_of_memory"
    BUDGET_EXHAUSTED = "budget_exhausted"
    START_FAILED = "start_failed"
    RECORDING_UNAVAILABLE = "recording_unavailable"
    """It is to be recorded always, and could not be any more."""
    SNAPSHOT_LOST = "snapshot_lost"
    """It was hibernated, and what was kept of it is gone: its profile was deleted."""


class Started(StrEnum):
    """How a session came to its sandbox."""

    COLD = "cold"
    """It was built for it."""
    WARM = "warm"
    """It was up already, see `sessions.pool`."""


class Downloads(StrEnum):
    """What becomes of files that pages have the browser download."""

    QUARANTINE = "quarantine"
    """Each comes out as an artifact: ready, or in quarantine with reasons."""
    OFF = "off"
    """Chromium refuses them."""


class OnExhausted(StrEnum):
    """What becomes of a session once its actions or its egress bytes are used up."""

    REFUSE = "refuse"
    """It lives on, and what would take more of them is refused."""
    END = "end"
    """It ends with `budget_exhausted` at the first that is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """CSS pixels and device pixels per CSS pixel."""

    width: int = 1280
    height: int = 800
    device_scale_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The hard limits of one session, as they are in force.

    The first six bind what runs in the sandbox, the rest what is asked of the browser service. Those are younger than
    the first stored sessions, which were promised what stands here.
    """

    memory_bytes: int
    processes: int
    cpu_cores: float
    disk_bytes: int
    egress_bytes: int
    egress_connections: int
    navigation_timeout_ms: int = 15_000
    """The longest that one navigation may take; likewise one action."""
    action_timeout_ms: int = 5_000
    actions: int = 10_000
    """In all of the session's life; navigations and new tabs are actions."""
    actions_per_window: int = 100
    """In any stretch of `action_window_ms`."""
    action_window_ms: int = 1_000
    type_bytes: int = 64 << 10
    """Typed by one action; likewise what follows: given to a page, taken in or answered by one."""
    upload_bytes: int = 8 << 20
    response_bytes: int = 32 << 20
    """Of a navigation's main response."""
    screenshot_bytes: int = 8 << 20
    pdf_bytes: int = 32 << 20
    title_bytes: int = 4 << 10
    snapshot_bytes: int = 64 << 10
    text_bytes: int = 16 << 10
    action_log_entries: int = 256
    network_log_entries: int = 256
    network_log_bytes: int = 64 << 10
    tabs: int = 32
    artifact_bytes: int = 8 << 20
    """Of one file that comes out; what is larger is quarantined."""
    artifacts_bytes: int = 32 << 20
    """Of all of a session's files together; what does not fit is not kept."""
    artifacts: int = 128
    on_exhausted: OnExhausted = OnExhausted.REFUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressOptions:
    """What the caller asked of the network, and after clamping what is in force."""

    allow_hosts: tuple[str, ...] = ()
    deny_hosts: tuple[str, ...] = ()
    private_hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """Ports and ranges (`443`, `8000-8999`) within those the server opens. Empty: all of those."""
    schemes: tuple[str, ...] = ()
    """`http`, `https`. Empty: both."""
    upstream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRequest:
    """What the caller asked for; None leaves it to the server's default. Never above the server's ceiling."""

    memory_bytes: int | None = None
    processes: int | None = None
    cpu_cores: float | None = None
    disk_bytes: int | None = None
    egress_bytes: int | None = None
    egress_connections: int | None = None
    navigation_timeout_ms: int | None = None
    action_timeout_ms: int | None = None
    actions: int | None = None
    actions_per_window: int | None = None
    action_window_ms: int | None = None
    type_bytes: int | None = None
    upload_bytes: int | None = None
    response_bytes: int | None = None
    screenshot_bytes: int | None = None
    pdf_bytes: int | None = None
    title_bytes: int | None = None
    snapshot_bytes: int | None = None
    text_bytes: int | None = None
    action_log_entries: int | None = None
    network_log_entries: int | None = None
    network_log_bytes: int | None = None
    tabs: int | None = None
    artifact_bytes: int | None = None
    artifacts_bytes: int | None = None
    artifacts: int | None = None
    on_exhausted: str | None = None


ACTIVE_PROFILE: Final = "active"
"""In place of an id in requests: the one that its owner has made active."""


class IfBusy(StrEnum):
    """What becomes of a session that would write to a profile to which another session writes already."""

    REFUSE = "refuse"
    """It is not made: `profile_in_use`."""
    READ_ONLY = "read_only"
    """It starts from the last saved revision and saves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUse:
    """The profile a session starts from. In options, as it is in force: `save` is false for one that only reads."""

    id: ProfileId
    save: bool = False
    """Save back when the session ends, unless it fails."""
    if_busy: IfBusy = IfBusy.REFUSE
    form: ProfileForm = ProfileForm.DIRECTORY
    """What is saved."""
    revision: int = 0
    """In options: the one it started from. 0: an empty profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """What the caller asked of the live view; None leaves it to the server."""

    clipboard: ClipboardPolicy | None = None
    record: RecordPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUse:
    """What is in force."""

    clipboard: ClipboardPolicy = ClipboardPolicy.IN
    record: RecordPolicy = RecordPolicy.ON_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """A create request as a door hands it in: well-formed, not yet checked against ceilings and policy."""

    engine: Engine = Engine.SHELL
    viewport: Viewport = field(default_factory=Viewport)
    start_url: str | None = None
    locale: str | None = None
    timezone: str | None = None
    user_agent: str | None = None
    egress: EgressOptions = field(default_factory=EgressOptions)
    egress_max_bytes: int | None = None
    budget: BudgetRequest = field(default_factory=BudgetRequest)
    idle_timeout_s: int | None = None
    lifetime_s: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    action_allowed_domains: tuple[str, ...] = ()
    """Where the browser service may act and lead to: these hosts and what is below them. Empty: everywhere."""
    machine: bool = False
    """Let programs be run in the sandbox. Only an admin may ask for it."""
    profile: ProfileUse | None = None
    private: bool = False
    """Nothing of the session stays when it has ended: no profile, no artifact, no address."""
    downloads: Downloads = Downloads.QUARANTINE
    live: LiveRequest = field(default_factory=LiveRequest)
    standby: StandbyRequest | None = None
    queue_timeout_s: float | None = None
    """How long it may wait for a place; None leaves it to the server, 0 never waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """A create request after validation and clamping."""

    engine: Engine = Engine.SHELL
    viewport: Viewport = field(default_factory=Viewport)
    start_url: str | None = None
    locale: str | None = None
    timezone: str | None = None
    user_agent: str | None = None
    egress: EgressOptions = field(default_factory=EgressOptions)
    budget: Budget
    idle_timeout_s: int
    lifetime_s: int
    labels: Mapping[str, str] = field(default_factory=dict)
    action_allowed_domains: tuple[str, ...] = ()
    """Canonical: names in lower case as A-labels, without a leading dot or wildcard."""
    machine: bool = False
    profile: ProfileUse | None = None
    private: bool = False
    downloads: Downloads = Downloads.QUARANTINE
    """Of sessions that were stored before there was this: they had none, and are read as `off`."""
    live: LiveUse = field(default_factory=LiveUse)
    standby: StandbyUse | None = None
    """None: it sleeps only when it is told to."""
    pool: str | None = None
    """The named pool that it was asked of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserFacts:
    """What is running, as the agent told it."""

    product: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """What a session has taken so far. Memory and CPU are None until the first reading."""

    egress_bytes_in: int = 0
    egress_bytes_out: int = 0
    egress_connections: int = 0
    egress_refusals: int = 0
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    devtools_clients: int = 0
    browser_restarts: int = 0
    actions: int = 0
    cpu_seconds_before: float = 0.0
    """Of `cpu_seconds`: in sandboxes that it had before the one it has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One row, and what the doors render."""

    id: SessionId
    owner: PrincipalName
    status: SessionStatus
    reason: str
    options: SessionOptions
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None
    browser: BrowserFacts | None = None
    usage: SessionUsage = field(default_factory=SessionUsage)
    started: Started = Started.COLD
    queue_position: int | None = None
    """From 1, while it waits for a place; never stored."""
    snapshot: Snapshot | None = None
    """Of a session that is hibernated, or is just being brought back."""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """One page of a listing, newest first. `next_cursor` is None on the last page."""

    sessions: tuple[Session, ...]
    next_cursor: str | None


class EventType(StrEnum):
    """What can happen to a session; the `type` of its events. Part of the public API."""

    CREATED = "session.created"
    QUEUED = "session.queued"
    READY = "session.ready"
    EXTENDED = "session.extended"
    ASLEEP = "session.asleep"
    AWAKE = "session.awake"
    HIBERNATED = "session.hibernated"
    ADOPTED = "session.adopted"
    CLOSING = "session.closing"
    CLOSED = "session.closed"
    FAILED = "session.failed"
    AGENT_LOST = "agent.lost"
    AGENT_RETURNED = "agent.returned"
    AGENT_PROTOCOL_ERROR = "agent.protocol_error"
    AGENT_EXEC = "agent.exec"
    MACHINE_PROCESS = "machine.process"
    MACHINE_FILES = "machine.files"
    BROWSER_READY = "browser.ready"
    BROWSER_EXITED = "browser.exited"
    BROWSER_STOPPED = "browser.stopped"
    BROWSER_RESTARTING = "browser.restarting"
    BROWSER_GAVE_UP = "browser.gave_up"
    BROWSER_ACTION = "browser.action"
    DEVTOOLS_ATTACHED = "devtools.attached"
    DEVTOOLS_DETACHED = "devtools.detached"
    EGRESS_REFUSED = "egress.refused"
    BUDGET_EXHAUSTED = "budget.exhausted"
    MEMORY_EXCEEDED = "memory.exceeded"
    PROFILE_RESTORED = "profile.restored"
    PROFILE_SAVED = "profile.saved"
    PROFILE_NOT_SAVED = "profile.not_saved"
    ARTIFACT_READY = "artifact.ready"
    ARTIFACT_QUARANTINED = "artifact.quarantined"
    ARTIFACT_REJECTED = "artifact.rejected"
    LIVE_JOINED = "live.joined"
    LIVE_LEFT = "live.left"
    LIVE_CONTROL = "live.control"
    RECORDING_STARTED = "recording.started"
    RECORDING_FINISHED = "recording.finished"
    RECORDING_FAILED = "recording.failed"


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One thing that happened. `id` grows within a server; `data` is small, flat and safe to show to the owner."""

    id: EventId
    session_id: SessionId
    type: EventType
    at: datetime
    data: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


UP_STATUSES = frozenset({SessionStatus.READY, SessionStatus.SLEEPING})
"""Of a session that whoever asks is served by."""
FINAL_STATUSES = frozenset({SessionStatus.CLOSED, SessionStatus.FAILED})
