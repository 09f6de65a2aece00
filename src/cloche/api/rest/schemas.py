"""What goes over the REST border. Inputs are strict: no unknown field, no number in a string, no NaN, all bounded."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from cloche.ids import ProfileId, parse_profile_id
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.profiles.model import ProfileForm
from cloche.sandbox.spec import Engine
from cloche.sessions.model import (
    ACTIVE_PROFILE,
    BudgetRequest,
    Downloads,
    EgressOptions,
    IfBusy,
    LiveRequest,
    OnExhausted,
    ProfileUse,
    SessionRequest,
    SessionStatus,
    Started,
    Viewport,
)
from cloche.sessions.resting import StandbyRequest

MAX_BYTES: Final = 1 << 50
MAX_SECONDS: Final = 30 * 24 * 3600

HostPattern = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$")]
LabelValue = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
StartUrl = Annotated[str, StringConstraints(max_length=8192, pattern=r"^(about:blank|https?://[^\x00-\x20\x7f]+)$")]
HostList = Annotated[list[HostPattern], Field(max_length=256)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
Bytes = Annotated[int, Field(ge=1, le=MAX_BYTES)]


class In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ViewportIn(In):
    """CSS pixels, and device pixels per CSS pixel."""

    width: Annotated[int, Field(ge=16, le=7680)] = 1280
    height: Annotated[int, Field(ge=16, le=4320)] = 800
    device_scale_factor: Annotated[float, Field(ge=0.25, le=4)] = 1.0


PortText = Annotated[str, StringConstraints(max_length=11, pattern=r"^\d{1,5}(-\d{1,5})?$")]


class EgressIn(In):
    """What the session may reach. `private_hosts` opens exactly what it names, under the server's ceiling; `ports`
    (`443`, `8000-8999`) and `schemes` narrow what the server opens.
    """

    allow_hosts: HostList = []
    deny_hosts: HostList = []
    private_hosts: HostList = []
    ports: Annotated[list[PortText], Field(max_length=64)] = []
    schemes: Annotated[list[Literal["http", "https"]], Field(max_length=2)] = []
    upstream: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[!-~]+$")] | None = None
    max_bytes: Bytes | None = None


Millis = Annotated[int, Field(ge=1, le=3_600_000)]
Entries = Annotated[int, Field(ge=1, le=1_000_000)]


class BudgetIn(In):
    """Hard limits; what is left out is the server's default, what is above its ceiling is lowered to it.

    From `navigation_timeout_ms` on they are about the browser service: see docs/reference/browser-service.md.
    """

    memory_bytes: Bytes | None = None
    processes: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    cpu_cores: Annotated[float, Field(gt=0, le=1024)] | None = None
    disk_bytes: Bytes | None = None
    egress_bytes: Bytes | None = None
    egress_connections: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    navigation_timeout_ms: Millis | None = None
    action_timeout_ms: Millis | None = None
    actions: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    actions_per_window: Entries | None = None
    action_window_ms: Millis | None = None
    type_bytes: Bytes | None = None
    upload_bytes: Bytes | None = None
    response_bytes: Bytes | None = None
    screenshot_bytes: Bytes | None = None
    pdf_bytes: Bytes | None = None
    title_bytes: Bytes | None = None
    snapshot_bytes: Bytes | None = None
    text_bytes: Bytes | None = None
    action_log_entries: Entries | None = None
    network_log_entries: Entries | None = None
    network_log_bytes: Bytes | None = None
    tabs: Entries | None = None
    artifact_bytes: Bytes | None = None
    artifacts_bytes: Bytes | None = None
    artifacts: Entries | None = None
    on_exhausted: Literal["refuse", "end"] | None = None


class ProfileIn(In):
    """The profile to start from. See docs/how-to/profiles.md."""

    id: Annotated[str, StringConstraints(max_length=64)]
    """`prf_…`, or `active`: the one of the caller's that was made active."""
    save: bool = False
    """Save back when the session ends."""
    if_busy: Literal["refuse", "read_only"] = "refuse"
    form: Literal["directory", "storage_state"] = "directory"


class LiveIn(In):
    """The live view. What the server does not allow is lowered. See docs/how-to/live-view.md."""

    clipboard: Literal["off", "in", "out", "both"] | None = None
    """Which way text may go between a viewer's clipboard and the session."""
    record: Literal["off", "on_request", "always"] | None = None

    def to_request(self) -> LiveRequest:
        return LiveRequest(
            clipboard=ClipboardPolicy(self.clipboard) if self.clipboard else None,
            record=RecordPolicy(self.record) if self.record else None,
        )


class StandbyIn(In):
    """Put the session to sleep when nobody uses it. See docs/how-to/standby.md."""

    after_s: Annotated[float, Field(ge=1, le=3600)] | None = None
    """Without clients, viewers, actions and programs for so long. Left out: the server's."""
    hibernate_after_s: Annotated[float, Field(ge=1, le=604_800)] | None = None
    """Asleep for so long it is hibernated: its state is sealed on the disk, and nothing of it runs until somebody
    comes. Left out: only when it is told to, or when room is short."""

    def to_request(self) -> StandbyRequest:
        return StandbyRequest(after_s=self.after_s, hibernate_after_s=self.hibernate_after_s)


EXAMPLES: Final[list[JsonValue]] = [
    {"start_url": "https://example.com/", "labels": {"team": "blue"}},
    {"profile": {"id": "active", "save": True, "if_busy": "read_only"}, "downloads": "quarantine"},
    {"private": True, "downloads": "off", "lifetime_s": 600},
]


class OptionsIn(In):
    """What sessions are made with, whoever's they are. Everything is optional."""

    engine: Literal["shell", "chrome"] = "shell"
    viewport: ViewportIn = ViewportIn()
    start_url: StartUrl | None = None
    locale: Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] | None = (
        None
    )
    timezone: (
        Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$")] | None
    ) = None
    user_agent: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[ -~]+$")] | None = None
    egress: EgressIn = EgressIn()
    budget: BudgetIn = BudgetIn()
    idle_timeout_s: Seconds | None = None
    lifetime_s: Seconds | None = None
    labels: Annotated[dict[LabelName, LabelValue], Field(max_length=32)] = {}
    action_allowed_domains: HostList = []
    """Where the browser service may act and lead to: these hosts and what is below them. Empty: everywhere."""
    machine: bool = False
    private: bool = False
    """Nothing of the session stays when it has ended."""
    downloads: Literal["quarantine", "off"] = "quarantine"
    live: LiveIn = LiveIn()
    standby: StandbyIn | None = None
    queue_timeout_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    """How long it may wait for a place where there is none. 0: not at all. Left out: the server's."""

    def to_request(self) -> SessionRequest:
        egress = self.egress
        return SessionRequest(
            engine=Engine(self.engine),
            viewport=Viewport(**self.viewport.model_dump()),
            start_url=self.start_url,
            locale=self.locale,
            timezone=self.timezone,
            user_agent=self.user_agent,
            egress=EgressOptions(
                allow_hosts=tuple(egress.allow_hosts),
                deny_hosts=tuple(egress.deny_hosts),
                private_hosts=tuple(egress.private_hosts),
                ports=tuple(egress.ports),
                schemes=tuple(egress.schemes),
                upstream=egress.upstream,
            ),
            egress_max_bytes=egress.max_bytes,
            budget=BudgetRequest(**self.budget.model_dump()),
            idle_timeout_s=self.idle_timeout_s,
            lifetime_s=self.lifetime_s,
            labels=dict(self.labels),
            action_allowed_domains=tuple(self.action_allowed_domains),
            machine=self.machine,
            private=self.private,
            downloads=Downloads(self.downloads),
            live=self.live.to_request(),
            queue_timeout_s=self.queue_timeout_s,
            standby=self.standby.to_request() if self.standby is not None else None,
        )


class SessionIn(OptionsIn):
    """The body of `POST /v1/sessions`. Everything is optional."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})

    profile: ProfileIn | None = None

    def to_request(self) -> SessionRequest:
        """Raises: InvalidError."""
        return replace(super().to_request(), profile=self._profile())

    def _profile(self) -> ProfileUse | None:
        if (asked := self.profile) is None:
            return None
        id_ = ACTIVE_PROFILE if asked.id == ACTIVE_PROFILE else parse_profile_id(asked.id)
        form, if_busy = ProfileForm(asked.form), IfBusy(asked.if_busy)
        return ProfileUse(id=ProfileId(id_), save=asked.save, if_busy=if_busy, form=form)


class ExtendIn(In):
    """The body of `POST /v1/sessions/{id}/extend`."""

    lifetime_s: Seconds


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ViewportOut(Out):
    width: int
    height: int
    device_scale_factor: float


class BrowserOut(Out):
    product: str
    revision: str


class BudgetOut(Out):
    memory_bytes: int
    processes: int
    cpu_cores: float
    disk_bytes: int
    egress_bytes: int
    egress_connections: int
    navigation_timeout_ms: int
    action_timeout_ms: int
    actions: int
    actions_per_window: int
    action_window_ms: int
    type_bytes: int
    upload_bytes: int
    response_bytes: int
    screenshot_bytes: int
    pdf_bytes: int
    title_bytes: int
    snapshot_bytes: int
    text_bytes: int
    action_log_entries: int
    network_log_entries: int
    network_log_bytes: int
    tabs: int
    artifact_bytes: int
    artifacts_bytes: int
    artifacts: int
    on_exhausted: OnExhausted


class EgressOut(Out):
    """What is in force. A password in `upstream` is not shown."""

    allow_hosts: list[str]
    deny_hosts: list[str]
    private_hosts: list[str]
    ports: list[str]
    schemes: list[str]
    upstream: str | None
    max_bytes: int


class UsageOut(Out):
    egress_bytes_in: int
    egress_bytes_out: int
    egress_connections: int
    egress_refusals: int
    memory_bytes: int | None
    cpu_seconds: float | None
    devtools_clients: int
    browser_restarts: int
    actions: int


class ProfileUseOut(Out):
    """`revision`: the one the session started from; 0 for an empty profile. `save`: whether it saves back."""

    id: str
    save: bool
    form: ProfileForm
    revision: int


class LiveUseOut(Out):
    clipboard: ClipboardPolicy
    record: RecordPolicy


class StandbyOut(Out):
    after_s: float
    hibernate_after_s: float | None


class SessionOut(Out):
    """A session as its owner sees it. The links are null once it has ended, `browser` until it has started.

    `queue_position` counts from 1 while it waits for a place, and is null otherwise.
    """

    id: str
    status: SessionStatus
    reason: str
    owner: str
    created_at: datetime
    expires_at: datetime
    connect_url: str | None
    live_url: str | None
    engine: Engine
    browser: BrowserOut | None
    viewport: ViewportOut
    budget: BudgetOut
    egress: EgressOut
    labels: dict[str, str]
    action_allowed_domains: list[str]
    machine: bool
    profile: ProfileUseOut | None
    private: bool
    downloads: Downloads
    live: LiveUseOut
    standby: StandbyOut | None
    pool: str | None
    started: Started
    queue_position: int | None
    usage: UsageOut


class SessionListOut(Out):
    """One page, newest first. Hand `next_cursor` in as `cursor` for the next; null on the last."""

    sessions: list[SessionOut]
    next_cursor: str | None


class ProblemOut(Out):
    """RFC 9457 problem details. Programs go by `code`; some problems carry further fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    retry_after_s: int | None = None
    field: str | None = None
    reason: str | None = None
    short_of: str | None = None
    """Of a `busy` of 503: what there is too little of, where `reason` tells of the queue."""
    position: int | None = None
    """Where in the queue it stood, or would have stood."""
    queued: int | None = None
    """How many others wait."""
    errors: list[dict[str, str]] | None = None


class HealthOut(Out):
    status: Literal["ok"]


class ReadyOut(Out):
    """`reasons` says for each failing check what stands in the way."""

    ready: bool
    reasons: dict[str, str]
