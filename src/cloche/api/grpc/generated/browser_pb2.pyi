from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CanonicalId(_message.Message):
    __slots__ = ("ulid",)
    ULID_FIELD_NUMBER: _ClassVar[int]
    ulid: str
    def __init__(self, ulid: _Optional[str] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ("v",)
    V_FIELD_NUMBER: _ClassVar[int]
    v: int
    def __init__(self, v: _Optional[int] = ...) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("v", "status", "uptime_seconds", "active_sessions")
    V_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    v: int
    status: str
    uptime_seconds: int
    active_sessions: int
    def __init__(self, v: _Optional[int] = ..., status: _Optional[str] = ..., uptime_seconds: _Optional[int] = ..., active_sessions: _Optional[int] = ...) -> None: ...

class SessionBudget(_message.Message):
    __slots__ = ("v", "max_navigation_timeout_ms", "max_session_lifetime_ms", "max_screenshot_bytes", "max_response_bytes", "max_title_bytes", "max_action_timeout_ms", "max_type_input_bytes", "max_actions_per_session", "max_actions_per_window", "action_rate_window_ms", "max_action_log_entries", "max_observe_snapshot_bytes", "max_visible_text_bytes", "max_network_log_entries", "max_network_log_bytes", "max_tabs_per_session", "max_upload_bytes", "max_pdf_bytes", "max_memory_bytes", "max_processes", "max_cpu_cores", "max_disk_bytes", "max_egress_bytes", "max_egress_connections", "on_exhausted", "max_artifact_bytes", "max_artifacts_bytes", "max_artifacts")
    V_FIELD_NUMBER: _ClassVar[int]
    MAX_NAVIGATION_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_LIFETIME_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TITLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTION_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_TYPE_INPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIONS_PER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIONS_PER_WINDOW_FIELD_NUMBER: _ClassVar[int]
    ACTION_RATE_WINDOW_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTION_LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_OBSERVE_SNAPSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_VISIBLE_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_NETWORK_LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_NETWORK_LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TABS_PER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PDF_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PROCESSES_FIELD_NUMBER: _ClassVar[int]
    MAX_CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MAX_DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_EGRESS_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_EGRESS_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    ON_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    MAX_ARTIFACT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ARTIFACTS_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    v: int
    max_navigation_timeout_ms: int
    max_session_lifetime_ms: int
    max_screenshot_bytes: int
    max_response_bytes: int
    max_title_bytes: int
    max_action_timeout_ms: int
    max_type_input_bytes: int
    max_actions_per_session: int
    max_actions_per_window: int
    action_rate_window_ms: int
    max_action_log_entries: int
    max_observe_snapshot_bytes: int
    max_visible_text_bytes: int
    max_network_log_entries: int
    max_network_log_bytes: int
    max_tabs_per_session: int
    max_upload_bytes: int
    max_pdf_bytes: int
    max_memory_bytes: int
    max_processes: int
    max_cpu_cores: float
    max_disk_bytes: int
    max_egress_bytes: int
    max_egress_connections: int
    on_exhausted: str
    max_artifact_bytes: int
    max_artifacts_bytes: int
    max_artifacts: int
    def __init__(self, v: _Optional[int] = ..., max_navigation_timeout_ms: _Optional[int] = ..., max_session_lifetime_ms: _Optional[int] = ..., max_screenshot_bytes: _Optional[int] = ..., max_response_bytes: _Optional[int] = ..., max_title_bytes: _Optional[int] = ..., max_action_timeout_ms: _Optional[int] = ..., max_type_input_bytes: _Optional[int] = ..., max_actions_per_session: _Optional[int] = ..., max_actions_per_window: _Optional[int] = ..., action_rate_window_ms: _Optional[int] = ..., max_action_log_entries: _Optional[int] = ..., max_observe_snapshot_bytes: _Optional[int] = ..., max_visible_text_bytes: _Optional[int] = ..., max_network_log_entries: _Optional[int] = ..., max_network_log_bytes: _Optional[int] = ..., max_tabs_per_session: _Optional[int] = ..., max_upload_bytes: _Optional[int] = ..., max_pdf_bytes: _Optional[int] = ..., max_memory_bytes: _Optional[int] = ..., max_processes: _Optional[int] = ..., max_cpu_cores: _Optional[float] = ..., max_disk_bytes: _Optional[int] = ..., max_egress_bytes: _Optional[int] = ..., max_egress_connections: _Optional[int] = ..., on_exhausted: _Optional[str] = ..., max_artifact_bytes: _Optional[int] = ..., max_artifacts_bytes: _Optional[int] = ..., max_artifacts: _Optional[int] = ...) -> None: ...

class SessionViewport(_message.Message):
    __slots__ = ("v", "width", "height", "device_scale_factor")
    V_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    width: int
    height: int
    device_scale_factor: float
    def __init__(self, v: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., device_scale_factor: _Optional[float] = ...) -> None: ...

class CreateSessionRequest(_message.Message):
    __slots__ = ("v", "principal", "idle_ttl_ms", "budget", "allow_private_targets", "allow_downloads", "action_allowed_domains", "persistence_enabled", "persistence_id", "channel", "profile_id", "private_profile", "private_hosts", "allow_hosts", "deny_hosts", "viewport", "engine", "labels", "start_url", "locale", "timezone", "user_agent", "profile_if_busy", "profile_form", "queue_timeout_ms")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    IDLE_TTL_MS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PRIVATE_TARGETS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_DOWNLOADS_FIELD_NUMBER: _ClassVar[int]
    ACTION_ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_HOSTS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_HOSTS_FIELD_NUMBER: _ClassVar[int]
    DENY_HOSTS_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    START_URL_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IF_BUSY_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FORM_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    idle_ttl_ms: int
    budget: SessionBudget
    allow_private_targets: bool
    allow_downloads: bool
    action_allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    persistence_enabled: bool
    persistence_id: str
    channel: str
    profile_id: CanonicalId
    private_profile: bool
    private_hosts: _containers.RepeatedScalarFieldContainer[str]
    allow_hosts: _containers.RepeatedScalarFieldContainer[str]
    deny_hosts: _containers.RepeatedScalarFieldContainer[str]
    viewport: SessionViewport
    engine: str
    labels: _containers.ScalarMap[str, str]
    start_url: str
    locale: str
    timezone: str
    user_agent: str
    profile_if_busy: str
    profile_form: str
    queue_timeout_ms: int
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., idle_ttl_ms: _Optional[int] = ..., budget: _Optional[_Union[SessionBudget, _Mapping]] = ..., allow_private_targets: _Optional[bool] = ..., allow_downloads: _Optional[bool] = ..., action_allowed_domains: _Optional[_Iterable[str]] = ..., persistence_enabled: _Optional[bool] = ..., persistence_id: _Optional[str] = ..., channel: _Optional[str] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., private_profile: _Optional[bool] = ..., private_hosts: _Optional[_Iterable[str]] = ..., allow_hosts: _Optional[_Iterable[str]] = ..., deny_hosts: _Optional[_Iterable[str]] = ..., viewport: _Optional[_Union[SessionViewport, _Mapping]] = ..., engine: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., start_url: _Optional[str] = ..., locale: _Optional[str] = ..., timezone: _Optional[str] = ..., user_agent: _Optional[str] = ..., profile_if_busy: _Optional[str] = ..., profile_form: _Optional[str] = ..., queue_timeout_ms: _Optional[int] = ...) -> None: ...

class CreateSessionResponse(_message.Message):
    __slots__ = ("v", "session_id", "created_at_unix_ms", "effective_budget", "downloads_enabled", "action_allowed_domains", "persistence_enabled", "persistence_id", "state_restored", "profile_id", "private_profile", "expires_at_unix_ms", "status", "private_hosts")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    ACTION_ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_RESTORED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_HOSTS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    created_at_unix_ms: int
    effective_budget: SessionBudget
    downloads_enabled: bool
    action_allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    persistence_enabled: bool
    persistence_id: str
    state_restored: bool
    profile_id: CanonicalId
    private_profile: bool
    expires_at_unix_ms: int
    status: str
    private_hosts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., created_at_unix_ms: _Optional[int] = ..., effective_budget: _Optional[_Union[SessionBudget, _Mapping]] = ..., downloads_enabled: _Optional[bool] = ..., action_allowed_domains: _Optional[_Iterable[str]] = ..., persistence_enabled: _Optional[bool] = ..., persistence_id: _Optional[str] = ..., state_restored: _Optional[bool] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., private_profile: _Optional[bool] = ..., expires_at_unix_ms: _Optional[int] = ..., status: _Optional[str] = ..., private_hosts: _Optional[_Iterable[str]] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = ("v", "closed", "reason")
    V_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    v: int
    closed: bool
    reason: str
    def __init__(self, v: _Optional[int] = ..., closed: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class SleepSessionRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class SleepSessionResponse(_message.Message):
    __slots__ = ("v", "status")
    V_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    v: int
    status: str
    def __init__(self, v: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class HibernateSessionRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class HibernateSessionResponse(_message.Message):
    __slots__ = ("v", "status")
    V_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    v: int
    status: str
    def __init__(self, v: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class WakeSessionRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class WakeSessionResponse(_message.Message):
    __slots__ = ("v", "status")
    V_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    v: int
    status: str
    def __init__(self, v: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("v", "principal", "limit", "status", "cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    limit: int
    status: str
    cursor: str
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., limit: _Optional[int] = ..., status: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("v", "sessions", "truncated", "error", "next_cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    sessions: _containers.RepeatedCompositeFieldContainer[BrowserSessionSummary]
    truncated: bool
    error: str
    next_cursor: str
    def __init__(self, v: _Optional[int] = ..., sessions: _Optional[_Iterable[_Union[BrowserSessionSummary, _Mapping]]] = ..., truncated: _Optional[bool] = ..., error: _Optional[str] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "session")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    session: BrowserSessionDetail
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., session: _Optional[_Union[BrowserSessionDetail, _Mapping]] = ...) -> None: ...

class BrowserSessionDetail(_message.Message):
    __slots__ = ("v", "summary", "effective_budget", "tabs")
    V_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_BUDGET_FIELD_NUMBER: _ClassVar[int]
    TABS_FIELD_NUMBER: _ClassVar[int]
    v: int
    summary: BrowserSessionSummary
    effective_budget: SessionBudget
    tabs: _containers.RepeatedCompositeFieldContainer[BrowserTab]
    def __init__(self, v: _Optional[int] = ..., summary: _Optional[_Union[BrowserSessionSummary, _Mapping]] = ..., effective_budget: _Optional[_Union[SessionBudget, _Mapping]] = ..., tabs: _Optional[_Iterable[_Union[BrowserTab, _Mapping]]] = ...) -> None: ...

class BrowserSessionSummary(_message.Message):
    __slots__ = ("v", "session_id", "principal", "channel", "created_unix_ms", "idle_ttl_ms", "age_ms", "action_count", "tab_count", "active_tab_id", "active_tab_url", "active_tab_title", "permissions", "allow_private_targets", "downloads_enabled", "persistence_enabled", "persistence_id", "state_restored", "profile_id", "private_profile", "action_allowed_domains", "status", "reason", "expires_at_unix_ms", "closed_at_unix_ms", "engine", "labels", "private_hosts")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CREATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TTL_MS_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    ACTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    TAB_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_URL_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_TITLE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PRIVATE_TARGETS_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_RESTORED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    ACTION_ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_HOSTS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    principal: str
    channel: str
    created_unix_ms: int
    idle_ttl_ms: int
    age_ms: int
    action_count: int
    tab_count: int
    active_tab_id: str
    active_tab_url: str
    active_tab_title: str
    permissions: Permissions
    allow_private_targets: bool
    downloads_enabled: bool
    persistence_enabled: bool
    persistence_id: str
    state_restored: bool
    profile_id: CanonicalId
    private_profile: bool
    action_allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    status: str
    reason: str
    expires_at_unix_ms: int
    closed_at_unix_ms: int
    engine: str
    labels: _containers.ScalarMap[str, str]
    private_hosts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., principal: _Optional[str] = ..., channel: _Optional[str] = ..., created_unix_ms: _Optional[int] = ..., idle_ttl_ms: _Optional[int] = ..., age_ms: _Optional[int] = ..., action_count: _Optional[int] = ..., tab_count: _Optional[int] = ..., active_tab_id: _Optional[str] = ..., active_tab_url: _Optional[str] = ..., active_tab_title: _Optional[str] = ..., permissions: _Optional[_Union[Permissions, _Mapping]] = ..., allow_private_targets: _Optional[bool] = ..., downloads_enabled: _Optional[bool] = ..., persistence_enabled: _Optional[bool] = ..., persistence_id: _Optional[str] = ..., state_restored: _Optional[bool] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., private_profile: _Optional[bool] = ..., action_allowed_domains: _Optional[_Iterable[str]] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., expires_at_unix_ms: _Optional[int] = ..., closed_at_unix_ms: _Optional[int] = ..., engine: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., private_hosts: _Optional[_Iterable[str]] = ...) -> None: ...

class NavigateRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "url", "allow_redirects", "max_redirects", "wait_until", "referrer")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    MAX_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    REFERRER_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    url: str
    allow_redirects: bool
    max_redirects: int
    wait_until: str
    referrer: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., url: _Optional[str] = ..., allow_redirects: _Optional[bool] = ..., max_redirects: _Optional[int] = ..., wait_until: _Optional[str] = ..., referrer: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("v", "actions", "actions_left", "window_actions_left", "window_resets_in_ms", "tabs", "tabs_left", "egress_bytes_left", "memory_bytes", "cpu_seconds", "lifetime_left_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_LEFT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ACTIONS_LEFT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_RESETS_IN_MS_FIELD_NUMBER: _ClassVar[int]
    TABS_FIELD_NUMBER: _ClassVar[int]
    TABS_LEFT_FIELD_NUMBER: _ClassVar[int]
    EGRESS_BYTES_LEFT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CPU_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIFETIME_LEFT_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    actions: int
    actions_left: int
    window_actions_left: int
    window_resets_in_ms: int
    tabs: int
    tabs_left: int
    egress_bytes_left: int
    memory_bytes: int
    cpu_seconds: float
    lifetime_left_ms: int
    def __init__(self, v: _Optional[int] = ..., actions: _Optional[int] = ..., actions_left: _Optional[int] = ..., window_actions_left: _Optional[int] = ..., window_resets_in_ms: _Optional[int] = ..., tabs: _Optional[int] = ..., tabs_left: _Optional[int] = ..., egress_bytes_left: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., cpu_seconds: _Optional[float] = ..., lifetime_left_ms: _Optional[int] = ...) -> None: ...

class ActionLogEntry(_message.Message):
    __slots__ = ("v", "action_id", "action_name", "selector", "success", "outcome", "error", "started_at_unix_ms", "completed_at_unix_ms", "attempts", "page_url", "tab_id", "principal")
    V_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_NAME_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    v: int
    action_id: str
    action_name: str
    selector: str
    success: bool
    outcome: str
    error: str
    started_at_unix_ms: int
    completed_at_unix_ms: int
    attempts: int
    page_url: str
    tab_id: str
    principal: str
    def __init__(self, v: _Optional[int] = ..., action_id: _Optional[str] = ..., action_name: _Optional[str] = ..., selector: _Optional[str] = ..., success: _Optional[bool] = ..., outcome: _Optional[str] = ..., error: _Optional[str] = ..., started_at_unix_ms: _Optional[int] = ..., completed_at_unix_ms: _Optional[int] = ..., attempts: _Optional[int] = ..., page_url: _Optional[str] = ..., tab_id: _Optional[str] = ..., principal: _Optional[str] = ...) -> None: ...

class RedirectHop(_message.Message):
    __slots__ = ("v", "url", "status_code")
    V_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    v: int
    url: str
    status_code: int
    def __init__(self, v: _Optional[int] = ..., url: _Optional[str] = ..., status_code: _Optional[int] = ...) -> None: ...

class NavigationTiming(_message.Message):
    __slots__ = ("v", "response_ms", "commit_ms", "dom_content_loaded_ms", "load_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_MS_FIELD_NUMBER: _ClassVar[int]
    DOM_CONTENT_LOADED_MS_FIELD_NUMBER: _ClassVar[int]
    LOAD_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    response_ms: int
    commit_ms: int
    dom_content_loaded_ms: int
    load_ms: int
    def __init__(self, v: _Optional[int] = ..., response_ms: _Optional[int] = ..., commit_ms: _Optional[int] = ..., dom_content_loaded_ms: _Optional[int] = ..., load_ms: _Optional[int] = ...) -> None: ...

class NavigateResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "final_url", "status_code", "title", "body_bytes", "latency_ms", "redirects", "timing", "reached")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    FINAL_URL_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    final_url: str
    status_code: int
    title: str
    body_bytes: int
    latency_ms: int
    redirects: _containers.RepeatedCompositeFieldContainer[RedirectHop]
    timing: NavigationTiming
    reached: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., final_url: _Optional[str] = ..., status_code: _Optional[int] = ..., title: _Optional[str] = ..., body_bytes: _Optional[int] = ..., latency_ms: _Optional[int] = ..., redirects: _Optional[_Iterable[_Union[RedirectHop, _Mapping]]] = ..., timing: _Optional[_Union[NavigationTiming, _Mapping]] = ..., reached: _Optional[str] = ...) -> None: ...

class BackRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "wait_until")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    wait_until: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., wait_until: _Optional[str] = ...) -> None: ...

class ForwardRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "wait_until")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    wait_until: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., wait_until: _Optional[str] = ...) -> None: ...

class ReloadRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "wait_until", "ignore_cache")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    IGNORE_CACHE_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    wait_until: str
    ignore_cache: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., wait_until: _Optional[str] = ..., ignore_cache: _Optional[bool] = ...) -> None: ...

class ClickRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "button", "click_count", "modifiers", "position_x", "position_y", "force", "max_retries", "delay_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    BUTTON_FIELD_NUMBER: _ClassVar[int]
    CLICK_COUNT_FIELD_NUMBER: _ClassVar[int]
    MODIFIERS_FIELD_NUMBER: _ClassVar[int]
    POSITION_X_FIELD_NUMBER: _ClassVar[int]
    POSITION_Y_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    button: str
    click_count: int
    modifiers: _containers.RepeatedScalarFieldContainer[str]
    position_x: float
    position_y: float
    force: bool
    max_retries: int
    delay_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., button: _Optional[str] = ..., click_count: _Optional[int] = ..., modifiers: _Optional[_Iterable[str]] = ..., position_x: _Optional[float] = ..., position_y: _Optional[float] = ..., force: _Optional[bool] = ..., max_retries: _Optional[int] = ..., delay_ms: _Optional[int] = ...) -> None: ...

class Effects(_message.Message):
    __slots__ = ("v", "navigated", "navigated_url", "new_tab_ids", "downloads", "dialog", "file_chooser")
    V_FIELD_NUMBER: _ClassVar[int]
    NAVIGATED_FIELD_NUMBER: _ClassVar[int]
    NAVIGATED_URL_FIELD_NUMBER: _ClassVar[int]
    NEW_TAB_IDS_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADS_FIELD_NUMBER: _ClassVar[int]
    DIALOG_FIELD_NUMBER: _ClassVar[int]
    FILE_CHOOSER_FIELD_NUMBER: _ClassVar[int]
    v: int
    navigated: bool
    navigated_url: str
    new_tab_ids: _containers.RepeatedScalarFieldContainer[str]
    downloads: _containers.RepeatedCompositeFieldContainer[DownloadInfo]
    dialog: DialogInfo
    file_chooser: bool
    def __init__(self, v: _Optional[int] = ..., navigated: _Optional[bool] = ..., navigated_url: _Optional[str] = ..., new_tab_ids: _Optional[_Iterable[str]] = ..., downloads: _Optional[_Iterable[_Union[DownloadInfo, _Mapping]]] = ..., dialog: _Optional[_Union[DialogInfo, _Mapping]] = ..., file_chooser: _Optional[bool] = ...) -> None: ...

class DownloadInfo(_message.Message):
    __slots__ = ("v", "url", "suggested_filename", "guid", "artifact_id")
    V_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_FILENAME_FIELD_NUMBER: _ClassVar[int]
    GUID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    url: str
    suggested_filename: str
    guid: str
    artifact_id: str
    def __init__(self, v: _Optional[int] = ..., url: _Optional[str] = ..., suggested_filename: _Optional[str] = ..., guid: _Optional[str] = ..., artifact_id: _Optional[str] = ...) -> None: ...

class DialogInfo(_message.Message):
    __slots__ = ("v", "type", "message", "default_prompt", "url")
    V_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PROMPT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    v: int
    type: str
    message: str
    default_prompt: str
    url: str
    def __init__(self, v: _Optional[int] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., default_prompt: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class ClickResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "x", "y", "artifact")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    x: float
    y: float
    artifact: DownloadArtifact
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., artifact: _Optional[_Union[DownloadArtifact, _Mapping]] = ...) -> None: ...

class HoverRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "modifiers", "position_x", "position_y", "force")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    MODIFIERS_FIELD_NUMBER: _ClassVar[int]
    POSITION_X_FIELD_NUMBER: _ClassVar[int]
    POSITION_Y_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    modifiers: _containers.RepeatedScalarFieldContainer[str]
    position_x: float
    position_y: float
    force: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., modifiers: _Optional[_Iterable[str]] = ..., position_x: _Optional[float] = ..., position_y: _Optional[float] = ..., force: _Optional[bool] = ...) -> None: ...

class HoverResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "x", "y")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    x: float
    y: float
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class DragRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "target_selector", "position_x", "position_y", "target_x", "target_y", "steps", "force")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    TARGET_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    POSITION_X_FIELD_NUMBER: _ClassVar[int]
    POSITION_Y_FIELD_NUMBER: _ClassVar[int]
    TARGET_X_FIELD_NUMBER: _ClassVar[int]
    TARGET_Y_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    target_selector: str
    position_x: float
    position_y: float
    target_x: float
    target_y: float
    steps: int
    force: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., target_selector: _Optional[str] = ..., position_x: _Optional[float] = ..., position_y: _Optional[float] = ..., target_x: _Optional[float] = ..., target_y: _Optional[float] = ..., steps: _Optional[int] = ..., force: _Optional[bool] = ...) -> None: ...

class DragResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ...) -> None: ...

class TypeRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "text", "clear_existing", "delay_ms", "submit", "fill")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CLEAR_EXISTING_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    text: str
    clear_existing: bool
    delay_ms: int
    submit: bool
    fill: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., text: _Optional[str] = ..., clear_existing: _Optional[bool] = ..., delay_ms: _Optional[int] = ..., submit: _Optional[bool] = ..., fill: _Optional[bool] = ...) -> None: ...

class TypeResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "typed_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    TYPED_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    typed_bytes: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., typed_bytes: _Optional[int] = ...) -> None: ...

class PressRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "key", "delay_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    key: str
    delay_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., key: _Optional[str] = ..., delay_ms: _Optional[int] = ...) -> None: ...

class PressResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "key")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    key: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., key: _Optional[str] = ...) -> None: ...

class SelectRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "value", "values", "label", "index")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    value: str
    values: _containers.RepeatedScalarFieldContainer[str]
    label: str
    index: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., value: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., label: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class SelectResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "selected_value", "selected_values")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    SELECTED_VALUE_FIELD_NUMBER: _ClassVar[int]
    SELECTED_VALUES_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    selected_value: str
    selected_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., selected_value: _Optional[str] = ..., selected_values: _Optional[_Iterable[str]] = ...) -> None: ...

class UploadFile(_message.Message):
    __slots__ = ("v", "file_name", "file_bytes", "mime_type", "artifact_id")
    V_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    file_name: str
    file_bytes: bytes
    mime_type: str
    artifact_id: str
    def __init__(self, v: _Optional[int] = ..., file_name: _Optional[str] = ..., file_bytes: _Optional[bytes] = ..., mime_type: _Optional[str] = ..., artifact_id: _Optional[str] = ...) -> None: ...

class SetFileInputRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "file_name", "file_bytes", "files", "artifact_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    file_name: str
    file_bytes: bytes
    files: _containers.RepeatedCompositeFieldContainer[UploadFile]
    artifact_id: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., file_name: _Optional[str] = ..., file_bytes: _Optional[bytes] = ..., files: _Optional[_Iterable[_Union[UploadFile, _Mapping]]] = ..., artifact_id: _Optional[str] = ...) -> None: ...

class SetFileInputResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "uploaded_file_name", "uploaded_file_bytes", "uploaded_files")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_FILES_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    uploaded_file_name: str
    uploaded_file_bytes: int
    uploaded_files: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., uploaded_file_name: _Optional[str] = ..., uploaded_file_bytes: _Optional[int] = ..., uploaded_files: _Optional[int] = ...) -> None: ...

class ScrollRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "delta_x", "delta_y")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    DELTA_X_FIELD_NUMBER: _ClassVar[int]
    DELTA_Y_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    delta_x: float
    delta_y: float
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., delta_x: _Optional[float] = ..., delta_y: _Optional[float] = ...) -> None: ...

class ScrollResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "matches", "effects", "scroll_x", "scroll_y")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    SCROLL_X_FIELD_NUMBER: _ClassVar[int]
    SCROLL_Y_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    matches: int
    effects: Effects
    scroll_x: float
    scroll_y: float
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., matches: _Optional[int] = ..., effects: _Optional[_Union[Effects, _Mapping]] = ..., scroll_x: _Optional[float] = ..., scroll_y: _Optional[float] = ...) -> None: ...

class WaitForRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "text", "state", "url", "load_state", "poll_interval_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    LOAD_STATE_FIELD_NUMBER: _ClassVar[int]
    POLL_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    text: str
    state: str
    url: str
    load_state: str
    poll_interval_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., text: _Optional[str] = ..., state: _Optional[str] = ..., url: _Optional[str] = ..., load_state: _Optional[str] = ..., poll_interval_ms: _Optional[int] = ...) -> None: ...

class WaitForResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "waited_ms", "matched_selector", "matched_text", "matched_url")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    WAITED_MS_FIELD_NUMBER: _ClassVar[int]
    MATCHED_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MATCHED_TEXT_FIELD_NUMBER: _ClassVar[int]
    MATCHED_URL_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    waited_ms: int
    matched_selector: str
    matched_text: str
    matched_url: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., waited_ms: _Optional[int] = ..., matched_selector: _Optional[str] = ..., matched_text: _Optional[str] = ..., matched_url: _Optional[str] = ...) -> None: ...

class HighlightRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "selector", "strict", "duration_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    selector: str
    strict: bool
    duration_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., selector: _Optional[str] = ..., strict: _Optional[bool] = ..., duration_ms: _Optional[int] = ...) -> None: ...

class HighlightResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "selector")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    selector: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., selector: _Optional[str] = ...) -> None: ...

class DialogRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "accept", "prompt_text")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TEXT_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    accept: bool
    prompt_text: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., accept: _Optional[bool] = ..., prompt_text: _Optional[str] = ...) -> None: ...

class DialogResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "dialog")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    DIALOG_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    dialog: DialogInfo
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., dialog: _Optional[_Union[DialogInfo, _Mapping]] = ...) -> None: ...

class EvaluateRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "expression", "await_promise", "frame_selector", "isolated", "max_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    AWAIT_PROMISE_FIELD_NUMBER: _ClassVar[int]
    FRAME_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    ISOLATED_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    expression: str
    await_promise: bool
    frame_selector: str
    isolated: bool
    max_bytes: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., expression: _Optional[str] = ..., await_promise: _Optional[bool] = ..., frame_selector: _Optional[str] = ..., isolated: _Optional[bool] = ..., max_bytes: _Optional[int] = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "value_json", "type")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    value_json: str
    type: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., value_json: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class CaptureSelectionRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "selector", "max_selection_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_SELECTION_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    selector: str
    max_selection_bytes: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., selector: _Optional[str] = ..., max_selection_bytes: _Optional[int] = ...) -> None: ...

class CaptureSelectionResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "selector", "selected_text", "truncated")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SELECTED_TEXT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    selector: str
    selected_text: str
    truncated: bool
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., selector: _Optional[str] = ..., selected_text: _Optional[str] = ..., truncated: _Optional[bool] = ...) -> None: ...

class SetViewportRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "capture_failure_screenshot", "max_failure_screenshot_bytes", "width", "height", "device_scale_factor", "mobile")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FAILURE_SCREENSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    MOBILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    capture_failure_screenshot: bool
    max_failure_screenshot_bytes: int
    width: int
    height: int
    device_scale_factor: float
    mobile: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., capture_failure_screenshot: _Optional[bool] = ..., max_failure_screenshot_bytes: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., device_scale_factor: _Optional[float] = ..., mobile: _Optional[bool] = ...) -> None: ...

class SetViewportResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "action_log", "failure_screenshot_bytes", "failure_screenshot_mime_type", "width", "height", "device_scale_factor", "mobile")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_SCREENSHOT_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    MOBILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    action_log: ActionLogEntry
    failure_screenshot_bytes: bytes
    failure_screenshot_mime_type: str
    width: int
    height: int
    device_scale_factor: float
    mobile: bool
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., action_log: _Optional[_Union[ActionLogEntry, _Mapping]] = ..., failure_screenshot_bytes: _Optional[bytes] = ..., failure_screenshot_mime_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., device_scale_factor: _Optional[float] = ..., mobile: _Optional[bool] = ...) -> None: ...

class ObserveRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "include_dom_snapshot", "include_accessibility_tree", "include_visible_text", "max_dom_snapshot_bytes", "max_accessibility_tree_bytes", "max_visible_text_bytes", "max_bytes", "cursor", "root", "interactive_only", "search", "diff_from", "bounding_boxes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DOM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ACCESSIBILITY_TREE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VISIBLE_TEXT_FIELD_NUMBER: _ClassVar[int]
    MAX_DOM_SNAPSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ACCESSIBILITY_TREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_VISIBLE_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    INTERACTIVE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    DIFF_FROM_FIELD_NUMBER: _ClassVar[int]
    BOUNDING_BOXES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    include_dom_snapshot: bool
    include_accessibility_tree: bool
    include_visible_text: bool
    max_dom_snapshot_bytes: int
    max_accessibility_tree_bytes: int
    max_visible_text_bytes: int
    max_bytes: int
    cursor: str
    root: str
    interactive_only: bool
    search: str
    diff_from: str
    bounding_boxes: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., include_dom_snapshot: _Optional[bool] = ..., include_accessibility_tree: _Optional[bool] = ..., include_visible_text: _Optional[bool] = ..., max_dom_snapshot_bytes: _Optional[int] = ..., max_accessibility_tree_bytes: _Optional[int] = ..., max_visible_text_bytes: _Optional[int] = ..., max_bytes: _Optional[int] = ..., cursor: _Optional[str] = ..., root: _Optional[str] = ..., interactive_only: _Optional[bool] = ..., search: _Optional[str] = ..., diff_from: _Optional[str] = ..., bounding_boxes: _Optional[bool] = ...) -> None: ...

class ObserveResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "accessibility_tree", "dom_snapshot", "visible_text", "accessibility_tree_truncated", "dom_truncated", "visible_text_truncated", "page_url", "title", "snapshot_id", "next_cursor", "fence", "is_diff", "element_count", "matched_count")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACCESSIBILITY_TREE_FIELD_NUMBER: _ClassVar[int]
    DOM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_FIELD_NUMBER: _ClassVar[int]
    ACCESSIBILITY_TREE_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    DOM_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    IS_DIFF_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    MATCHED_COUNT_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    accessibility_tree: str
    dom_snapshot: str
    visible_text: str
    accessibility_tree_truncated: bool
    dom_truncated: bool
    visible_text_truncated: bool
    page_url: str
    title: str
    snapshot_id: str
    next_cursor: str
    fence: str
    is_diff: bool
    element_count: int
    matched_count: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., accessibility_tree: _Optional[str] = ..., dom_snapshot: _Optional[str] = ..., visible_text: _Optional[str] = ..., accessibility_tree_truncated: _Optional[bool] = ..., dom_truncated: _Optional[bool] = ..., visible_text_truncated: _Optional[bool] = ..., page_url: _Optional[str] = ..., title: _Optional[str] = ..., snapshot_id: _Optional[str] = ..., next_cursor: _Optional[str] = ..., fence: _Optional[str] = ..., is_diff: _Optional[bool] = ..., element_count: _Optional[int] = ..., matched_count: _Optional[int] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("v", "x", "y", "width", "height")
    V_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    v: int
    x: float
    y: float
    width: float
    height: float
    def __init__(self, v: _Optional[int] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ...) -> None: ...

class ScreenshotRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "max_bytes", "format", "quality", "full_page", "selector", "clip", "scale", "mask", "omit_background")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    FULL_PAGE_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    OMIT_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    max_bytes: int
    format: str
    quality: int
    full_page: bool
    selector: str
    clip: Box
    scale: float
    mask: _containers.RepeatedScalarFieldContainer[str]
    omit_background: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., max_bytes: _Optional[int] = ..., format: _Optional[str] = ..., quality: _Optional[int] = ..., full_page: _Optional[bool] = ..., selector: _Optional[str] = ..., clip: _Optional[_Union[Box, _Mapping]] = ..., scale: _Optional[float] = ..., mask: _Optional[_Iterable[str]] = ..., omit_background: _Optional[bool] = ...) -> None: ...

class LayoutMetrics(_message.Message):
    __slots__ = ("v", "viewport_width", "viewport_height", "device_scale_factor", "document_scroll_width", "document_scroll_height", "document_client_width", "document_client_height", "horizontal_overflow", "vertical_overflow")
    V_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_SCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_SCROLL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_SCROLL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_CLIENT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_CLIENT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HORIZONTAL_OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    VERTICAL_OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    v: int
    viewport_width: float
    viewport_height: float
    device_scale_factor: float
    document_scroll_width: float
    document_scroll_height: float
    document_client_width: float
    document_client_height: float
    horizontal_overflow: bool
    vertical_overflow: bool
    def __init__(self, v: _Optional[int] = ..., viewport_width: _Optional[float] = ..., viewport_height: _Optional[float] = ..., device_scale_factor: _Optional[float] = ..., document_scroll_width: _Optional[float] = ..., document_scroll_height: _Optional[float] = ..., document_client_width: _Optional[float] = ..., document_client_height: _Optional[float] = ..., horizontal_overflow: _Optional[bool] = ..., vertical_overflow: _Optional[bool] = ...) -> None: ...

class ScreenshotResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "image_bytes", "mime_type", "width", "height", "layout_metrics")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_METRICS_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    image_bytes: bytes
    mime_type: str
    width: int
    height: int
    layout_metrics: LayoutMetrics
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., image_bytes: _Optional[bytes] = ..., mime_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., layout_metrics: _Optional[_Union[LayoutMetrics, _Mapping]] = ...) -> None: ...

class ExportPdfRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "max_bytes", "landscape", "print_background", "scale", "paper_width", "paper_height", "margin_top", "margin_bottom", "margin_left", "margin_right", "page_ranges", "prefer_css_page_size")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    LANDSCAPE_FIELD_NUMBER: _ClassVar[int]
    PRINT_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    PAPER_WIDTH_FIELD_NUMBER: _ClassVar[int]
    PAPER_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MARGIN_TOP_FIELD_NUMBER: _ClassVar[int]
    MARGIN_BOTTOM_FIELD_NUMBER: _ClassVar[int]
    MARGIN_LEFT_FIELD_NUMBER: _ClassVar[int]
    MARGIN_RIGHT_FIELD_NUMBER: _ClassVar[int]
    PAGE_RANGES_FIELD_NUMBER: _ClassVar[int]
    PREFER_CSS_PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    max_bytes: int
    landscape: bool
    print_background: bool
    scale: float
    paper_width: float
    paper_height: float
    margin_top: float
    margin_bottom: float
    margin_left: float
    margin_right: float
    page_ranges: str
    prefer_css_page_size: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., max_bytes: _Optional[int] = ..., landscape: _Optional[bool] = ..., print_background: _Optional[bool] = ..., scale: _Optional[float] = ..., paper_width: _Optional[float] = ..., paper_height: _Optional[float] = ..., margin_top: _Optional[float] = ..., margin_bottom: _Optional[float] = ..., margin_left: _Optional[float] = ..., margin_right: _Optional[float] = ..., page_ranges: _Optional[str] = ..., prefer_css_page_size: _Optional[bool] = ...) -> None: ...

class ExportPdfResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "pdf_bytes", "mime_type", "size_bytes", "sha256", "artifact_id", "artifact")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PDF_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    pdf_bytes: bytes
    mime_type: str
    size_bytes: int
    sha256: str
    artifact_id: str
    artifact: DownloadArtifact
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., pdf_bytes: _Optional[bytes] = ..., mime_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., artifact_id: _Optional[str] = ..., artifact: _Optional[_Union[DownloadArtifact, _Mapping]] = ...) -> None: ...

class GetTitleRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "max_title_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_TITLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    max_title_bytes: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., max_title_bytes: _Optional[int] = ...) -> None: ...

class GetTitleResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "title", "page_url")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    title: str
    page_url: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., title: _Optional[str] = ..., page_url: _Optional[str] = ...) -> None: ...

class NetworkLogRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "limit", "include_headers", "include_bodies", "max_body_bytes", "max_payload_bytes", "after", "failed_only", "url_contains", "all_tabs")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HEADERS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_BODIES_FIELD_NUMBER: _ClassVar[int]
    MAX_BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    FAILED_ONLY_FIELD_NUMBER: _ClassVar[int]
    URL_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    ALL_TABS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    limit: int
    include_headers: bool
    include_bodies: bool
    max_body_bytes: int
    max_payload_bytes: int
    after: int
    failed_only: bool
    url_contains: str
    all_tabs: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., limit: _Optional[int] = ..., include_headers: _Optional[bool] = ..., include_bodies: _Optional[bool] = ..., max_body_bytes: _Optional[int] = ..., max_payload_bytes: _Optional[int] = ..., after: _Optional[int] = ..., failed_only: _Optional[bool] = ..., url_contains: _Optional[str] = ..., all_tabs: _Optional[bool] = ...) -> None: ...

class NetworkLogEntry(_message.Message):
    __slots__ = ("v", "request_id", "request_url", "method", "resource_type", "status_code", "mime_type", "protocol", "remote_address", "from_cache", "request_bytes", "response_bytes", "timing_bucket", "latency_ms", "timing", "captured_at_unix_ms", "initiator_type", "initiator_url", "initiator_line", "frame_id", "tab_id", "redirected_from", "failed", "error_text", "blocked", "blocked_reason", "blocked_rule", "request_headers", "response_headers", "body", "body_base64", "body_truncated")
    V_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_URL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FROM_CACHE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TIMING_BUCKET_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_URL_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_LINE_FIELD_NUMBER: _ClassVar[int]
    FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    REDIRECTED_FROM_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ERROR_TEXT_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_REASON_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_RULE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HEADERS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    BODY_BASE64_FIELD_NUMBER: _ClassVar[int]
    BODY_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    v: int
    request_id: str
    request_url: str
    method: str
    resource_type: str
    status_code: int
    mime_type: str
    protocol: str
    remote_address: str
    from_cache: bool
    request_bytes: int
    response_bytes: int
    timing_bucket: str
    latency_ms: int
    timing: NetworkTiming
    captured_at_unix_ms: int
    initiator_type: str
    initiator_url: str
    initiator_line: int
    frame_id: str
    tab_id: str
    redirected_from: str
    failed: bool
    error_text: str
    blocked: bool
    blocked_reason: str
    blocked_rule: str
    request_headers: _containers.RepeatedCompositeFieldContainer[Header]
    response_headers: _containers.RepeatedCompositeFieldContainer[Header]
    body: str
    body_base64: bool
    body_truncated: bool
    def __init__(self, v: _Optional[int] = ..., request_id: _Optional[str] = ..., request_url: _Optional[str] = ..., method: _Optional[str] = ..., resource_type: _Optional[str] = ..., status_code: _Optional[int] = ..., mime_type: _Optional[str] = ..., protocol: _Optional[str] = ..., remote_address: _Optional[str] = ..., from_cache: _Optional[bool] = ..., request_bytes: _Optional[int] = ..., response_bytes: _Optional[int] = ..., timing_bucket: _Optional[str] = ..., latency_ms: _Optional[int] = ..., timing: _Optional[_Union[NetworkTiming, _Mapping]] = ..., captured_at_unix_ms: _Optional[int] = ..., initiator_type: _Optional[str] = ..., initiator_url: _Optional[str] = ..., initiator_line: _Optional[int] = ..., frame_id: _Optional[str] = ..., tab_id: _Optional[str] = ..., redirected_from: _Optional[str] = ..., failed: _Optional[bool] = ..., error_text: _Optional[str] = ..., blocked: _Optional[bool] = ..., blocked_reason: _Optional[str] = ..., blocked_rule: _Optional[str] = ..., request_headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., response_headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., body: _Optional[str] = ..., body_base64: _Optional[bool] = ..., body_truncated: _Optional[bool] = ...) -> None: ...

class NetworkTiming(_message.Message):
    __slots__ = ("v", "dns_ms", "connect_ms", "send_ms", "wait_ms", "receive_ms", "total_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    DNS_MS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_MS_FIELD_NUMBER: _ClassVar[int]
    SEND_MS_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    dns_ms: float
    connect_ms: float
    send_ms: float
    wait_ms: float
    receive_ms: float
    total_ms: float
    def __init__(self, v: _Optional[int] = ..., dns_ms: _Optional[float] = ..., connect_ms: _Optional[float] = ..., send_ms: _Optional[float] = ..., wait_ms: _Optional[float] = ..., receive_ms: _Optional[float] = ..., total_ms: _Optional[float] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("v", "name", "value")
    V_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    v: int
    name: str
    value: str
    def __init__(self, v: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class NetworkLogResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "entries", "truncated", "next_after", "dropped")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    entries: _containers.RepeatedCompositeFieldContainer[NetworkLogEntry]
    truncated: bool
    next_after: int
    dropped: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[NetworkLogEntry, _Mapping]]] = ..., truncated: _Optional[bool] = ..., next_after: _Optional[int] = ..., dropped: _Optional[int] = ...) -> None: ...

class ConsoleLogRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "limit", "minimum_severity", "include_page_diagnostics", "max_payload_bytes", "after", "all_tabs")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PAGE_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    ALL_TABS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    limit: int
    minimum_severity: str
    include_page_diagnostics: bool
    max_payload_bytes: int
    after: int
    all_tabs: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., limit: _Optional[int] = ..., minimum_severity: _Optional[str] = ..., include_page_diagnostics: _Optional[bool] = ..., max_payload_bytes: _Optional[int] = ..., after: _Optional[int] = ..., all_tabs: _Optional[bool] = ...) -> None: ...

class ConsoleLogEntry(_message.Message):
    __slots__ = ("v", "severity", "kind", "message", "source", "line", "column", "stack", "page_url", "tab_id", "captured_at_unix_ms", "count")
    V_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    v: int
    severity: str
    kind: str
    message: str
    source: str
    line: int
    column: int
    stack: str
    page_url: str
    tab_id: str
    captured_at_unix_ms: int
    count: int
    def __init__(self, v: _Optional[int] = ..., severity: _Optional[str] = ..., kind: _Optional[str] = ..., message: _Optional[str] = ..., source: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., stack: _Optional[str] = ..., page_url: _Optional[str] = ..., tab_id: _Optional[str] = ..., captured_at_unix_ms: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class PageDiagnostics(_message.Message):
    __slots__ = ("v", "page_url", "title", "entry_count", "warning_count", "error_count", "last_event")
    V_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    WARNING_COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_FIELD_NUMBER: _ClassVar[int]
    v: int
    page_url: str
    title: str
    entry_count: int
    warning_count: int
    error_count: int
    last_event: str
    def __init__(self, v: _Optional[int] = ..., page_url: _Optional[str] = ..., title: _Optional[str] = ..., entry_count: _Optional[int] = ..., warning_count: _Optional[int] = ..., error_count: _Optional[int] = ..., last_event: _Optional[str] = ...) -> None: ...

class ConsoleLogResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "entries", "truncated", "page_diagnostics", "next_after", "dropped")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    PAGE_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    entries: _containers.RepeatedCompositeFieldContainer[ConsoleLogEntry]
    truncated: bool
    page_diagnostics: PageDiagnostics
    next_after: int
    dropped: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[ConsoleLogEntry, _Mapping]]] = ..., truncated: _Optional[bool] = ..., page_diagnostics: _Optional[_Union[PageDiagnostics, _Mapping]] = ..., next_after: _Optional[int] = ..., dropped: _Optional[int] = ...) -> None: ...

class ActionLogRequest(_message.Message):
    __slots__ = ("v", "session_id", "limit", "failed_only")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FAILED_ONLY_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    limit: int
    failed_only: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., limit: _Optional[int] = ..., failed_only: _Optional[bool] = ...) -> None: ...

class ActionLogResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "entries", "truncated", "dropped")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    entries: _containers.RepeatedCompositeFieldContainer[ActionLogEntry]
    truncated: bool
    dropped: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[ActionLogEntry, _Mapping]]] = ..., truncated: _Optional[bool] = ..., dropped: _Optional[int] = ...) -> None: ...

class ListTabsRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class BrowserTab(_message.Message):
    __slots__ = ("v", "tab_id", "url", "title", "active", "opener_tab_id", "crashed", "dialog")
    V_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    OPENER_TAB_ID_FIELD_NUMBER: _ClassVar[int]
    CRASHED_FIELD_NUMBER: _ClassVar[int]
    DIALOG_FIELD_NUMBER: _ClassVar[int]
    v: int
    tab_id: str
    url: str
    title: str
    active: bool
    opener_tab_id: str
    crashed: bool
    dialog: DialogInfo
    def __init__(self, v: _Optional[int] = ..., tab_id: _Optional[str] = ..., url: _Optional[str] = ..., title: _Optional[str] = ..., active: _Optional[bool] = ..., opener_tab_id: _Optional[str] = ..., crashed: _Optional[bool] = ..., dialog: _Optional[_Union[DialogInfo, _Mapping]] = ...) -> None: ...

class ListTabsResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "tabs", "active_tab_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TABS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    tabs: _containers.RepeatedCompositeFieldContainer[BrowserTab]
    active_tab_id: str
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., tabs: _Optional[_Iterable[_Union[BrowserTab, _Mapping]]] = ..., active_tab_id: _Optional[str] = ...) -> None: ...

class OpenTabRequest(_message.Message):
    __slots__ = ("v", "session_id", "url", "activate", "timeout_ms", "allow_redirects", "max_redirects", "wait_until")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    MAX_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    WAIT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    url: str
    activate: bool
    timeout_ms: int
    allow_redirects: bool
    max_redirects: int
    wait_until: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., url: _Optional[str] = ..., activate: _Optional[bool] = ..., timeout_ms: _Optional[int] = ..., allow_redirects: _Optional[bool] = ..., max_redirects: _Optional[int] = ..., wait_until: _Optional[str] = ...) -> None: ...

class OpenTabResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "tab", "navigated", "status_code")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TAB_FIELD_NUMBER: _ClassVar[int]
    NAVIGATED_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    tab: BrowserTab
    navigated: bool
    status_code: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., tab: _Optional[_Union[BrowserTab, _Mapping]] = ..., navigated: _Optional[bool] = ..., status_code: _Optional[int] = ...) -> None: ...

class SwitchTabRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class SwitchTabResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "active_tab")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    active_tab: BrowserTab
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., active_tab: _Optional[_Union[BrowserTab, _Mapping]] = ...) -> None: ...

class CloseTabRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class CloseTabResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "closed_tab_id", "active_tab", "tabs_remaining")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_TAB_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_TAB_FIELD_NUMBER: _ClassVar[int]
    TABS_REMAINING_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    closed_tab_id: str
    active_tab: BrowserTab
    tabs_remaining: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., closed_tab_id: _Optional[str] = ..., active_tab: _Optional[_Union[BrowserTab, _Mapping]] = ..., tabs_remaining: _Optional[int] = ...) -> None: ...

class GetPermissionsRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class Permissions(_message.Message):
    __slots__ = ("v", "camera", "microphone", "location", "notifications", "clipboard")
    V_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    MICROPHONE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    CLIPBOARD_FIELD_NUMBER: _ClassVar[int]
    v: int
    camera: str
    microphone: str
    location: str
    notifications: str
    clipboard: str
    def __init__(self, v: _Optional[int] = ..., camera: _Optional[str] = ..., microphone: _Optional[str] = ..., location: _Optional[str] = ..., notifications: _Optional[str] = ..., clipboard: _Optional[str] = ...) -> None: ...

class GetPermissionsResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "permissions")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    permissions: Permissions
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., permissions: _Optional[_Union[Permissions, _Mapping]] = ...) -> None: ...

class SetPermissionsRequest(_message.Message):
    __slots__ = ("v", "session_id", "camera", "microphone", "location", "notifications", "clipboard", "reset_to_default")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    MICROPHONE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    CLIPBOARD_FIELD_NUMBER: _ClassVar[int]
    RESET_TO_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    camera: str
    microphone: str
    location: str
    notifications: str
    clipboard: str
    reset_to_default: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., camera: _Optional[str] = ..., microphone: _Optional[str] = ..., location: _Optional[str] = ..., notifications: _Optional[str] = ..., clipboard: _Optional[str] = ..., reset_to_default: _Optional[bool] = ...) -> None: ...

class SetPermissionsResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "permissions")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    permissions: Permissions
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., permissions: _Optional[_Union[Permissions, _Mapping]] = ...) -> None: ...

class ResetStateRequest(_message.Message):
    __slots__ = ("v", "session_id", "clear_cookies", "clear_storage", "reset_tabs", "reset_permissions")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CLEAR_COOKIES_FIELD_NUMBER: _ClassVar[int]
    CLEAR_STORAGE_FIELD_NUMBER: _ClassVar[int]
    RESET_TABS_FIELD_NUMBER: _ClassVar[int]
    RESET_PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    clear_cookies: bool
    clear_storage: bool
    reset_tabs: bool
    reset_permissions: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., clear_cookies: _Optional[bool] = ..., clear_storage: _Optional[bool] = ..., reset_tabs: _Optional[bool] = ..., reset_permissions: _Optional[bool] = ...) -> None: ...

class ResetStateResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "cookies_cleared", "storage_entries_cleared", "tabs_closed", "permissions")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COOKIES_CLEARED_FIELD_NUMBER: _ClassVar[int]
    STORAGE_ENTRIES_CLEARED_FIELD_NUMBER: _ClassVar[int]
    TABS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    cookies_cleared: int
    storage_entries_cleared: int
    tabs_closed: int
    permissions: Permissions
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cookies_cleared: _Optional[int] = ..., storage_entries_cleared: _Optional[int] = ..., tabs_closed: _Optional[int] = ..., permissions: _Optional[_Union[Permissions, _Mapping]] = ...) -> None: ...

class GetCookiesRequest(_message.Message):
    __slots__ = ("v", "session_id", "urls")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    URLS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    urls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., urls: _Optional[_Iterable[str]] = ...) -> None: ...

class Cookie(_message.Message):
    __slots__ = ("v", "name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite", "partitionKey")
    V_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    HTTPONLY_FIELD_NUMBER: _ClassVar[int]
    SECURE_FIELD_NUMBER: _ClassVar[int]
    SAMESITE_FIELD_NUMBER: _ClassVar[int]
    PARTITIONKEY_FIELD_NUMBER: _ClassVar[int]
    v: int
    name: str
    value: str
    domain: str
    path: str
    expires: float
    httpOnly: bool
    secure: bool
    sameSite: str
    partitionKey: str
    def __init__(self, v: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[str] = ..., domain: _Optional[str] = ..., path: _Optional[str] = ..., expires: _Optional[float] = ..., httpOnly: _Optional[bool] = ..., secure: _Optional[bool] = ..., sameSite: _Optional[str] = ..., partitionKey: _Optional[str] = ...) -> None: ...

class GetCookiesResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "cookies")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COOKIES_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    cookies: _containers.RepeatedCompositeFieldContainer[Cookie]
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cookies: _Optional[_Iterable[_Union[Cookie, _Mapping]]] = ...) -> None: ...

class SetCookiesRequest(_message.Message):
    __slots__ = ("v", "session_id", "cookies")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    COOKIES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    cookies: _containers.RepeatedCompositeFieldContainer[Cookie]
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., cookies: _Optional[_Iterable[_Union[Cookie, _Mapping]]] = ...) -> None: ...

class SetCookiesResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "cookies_set")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COOKIES_SET_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    cookies_set: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cookies_set: _Optional[int] = ...) -> None: ...

class ClearCookiesRequest(_message.Message):
    __slots__ = ("v", "session_id", "name", "domain", "path")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    name: str
    domain: str
    path: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., name: _Optional[str] = ..., domain: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class ClearCookiesResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "cookies_cleared")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COOKIES_CLEARED_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    cookies_cleared: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cookies_cleared: _Optional[int] = ...) -> None: ...

class GetStorageStateRequest(_message.Message):
    __slots__ = ("v", "session_id", "origins")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    origins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., origins: _Optional[_Iterable[str]] = ...) -> None: ...

class StorageState(_message.Message):
    __slots__ = ("v", "cookies", "origins")
    V_FIELD_NUMBER: _ClassVar[int]
    COOKIES_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    v: int
    cookies: _containers.RepeatedCompositeFieldContainer[Cookie]
    origins: _containers.RepeatedCompositeFieldContainer[OriginState]
    def __init__(self, v: _Optional[int] = ..., cookies: _Optional[_Iterable[_Union[Cookie, _Mapping]]] = ..., origins: _Optional[_Iterable[_Union[OriginState, _Mapping]]] = ...) -> None: ...

class OriginState(_message.Message):
    __slots__ = ("v", "origin", "localStorage")
    V_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LOCALSTORAGE_FIELD_NUMBER: _ClassVar[int]
    v: int
    origin: str
    localStorage: _containers.RepeatedCompositeFieldContainer[NameValue]
    def __init__(self, v: _Optional[int] = ..., origin: _Optional[str] = ..., localStorage: _Optional[_Iterable[_Union[NameValue, _Mapping]]] = ...) -> None: ...

class NameValue(_message.Message):
    __slots__ = ("v", "name", "value")
    V_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    v: int
    name: str
    value: str
    def __init__(self, v: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class GetStorageStateResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "storage_state")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    STORAGE_STATE_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    storage_state: StorageState
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., storage_state: _Optional[_Union[StorageState, _Mapping]] = ...) -> None: ...

class SetStorageStateRequest(_message.Message):
    __slots__ = ("v", "session_id", "storage_state", "clear_first")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STORAGE_STATE_FIELD_NUMBER: _ClassVar[int]
    CLEAR_FIRST_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    storage_state: StorageState
    clear_first: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., storage_state: _Optional[_Union[StorageState, _Mapping]] = ..., clear_first: _Optional[bool] = ...) -> None: ...

class SetStorageStateResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "cookies_set", "origins_set")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COOKIES_SET_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_SET_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    cookies_set: int
    origins_set: int
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cookies_set: _Optional[int] = ..., origins_set: _Optional[int] = ...) -> None: ...

class InspectSessionRequest(_message.Message):
    __slots__ = ("v", "session_id", "tab_id", "timeout_ms", "include_cookies", "include_storage", "include_action_log", "include_network_log", "include_page_snapshot", "include_console_log", "include_page_diagnostics", "max_cookie_bytes", "max_storage_bytes", "max_action_log_entries", "max_network_log_entries", "max_network_log_bytes", "max_dom_snapshot_bytes", "max_visible_text_bytes", "max_console_log_entries", "max_console_log_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TAB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_COOKIES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_STORAGE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_NETWORK_LOG_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PAGE_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CONSOLE_LOG_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PAGE_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    MAX_COOKIE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STORAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTION_LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_NETWORK_LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_NETWORK_LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DOM_SNAPSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_VISIBLE_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONSOLE_LOG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONSOLE_LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    tab_id: str
    timeout_ms: int
    include_cookies: bool
    include_storage: bool
    include_action_log: bool
    include_network_log: bool
    include_page_snapshot: bool
    include_console_log: bool
    include_page_diagnostics: bool
    max_cookie_bytes: int
    max_storage_bytes: int
    max_action_log_entries: int
    max_network_log_entries: int
    max_network_log_bytes: int
    max_dom_snapshot_bytes: int
    max_visible_text_bytes: int
    max_console_log_entries: int
    max_console_log_bytes: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tab_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., include_cookies: _Optional[bool] = ..., include_storage: _Optional[bool] = ..., include_action_log: _Optional[bool] = ..., include_network_log: _Optional[bool] = ..., include_page_snapshot: _Optional[bool] = ..., include_console_log: _Optional[bool] = ..., include_page_diagnostics: _Optional[bool] = ..., max_cookie_bytes: _Optional[int] = ..., max_storage_bytes: _Optional[int] = ..., max_action_log_entries: _Optional[int] = ..., max_network_log_entries: _Optional[int] = ..., max_network_log_bytes: _Optional[int] = ..., max_dom_snapshot_bytes: _Optional[int] = ..., max_visible_text_bytes: _Optional[int] = ..., max_console_log_entries: _Optional[int] = ..., max_console_log_bytes: _Optional[int] = ...) -> None: ...

class StorageEntry(_message.Message):
    __slots__ = ("v", "origin", "area", "name", "value")
    V_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    v: int
    origin: str
    area: str
    name: str
    value: str
    def __init__(self, v: _Optional[int] = ..., origin: _Optional[str] = ..., area: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class InspectSessionResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "rule", "usage", "session_id", "tabs", "cookies", "storage", "action_log", "network_log", "dom_snapshot", "visible_text", "page_url", "console_log", "page_diagnostics", "cookies_truncated", "storage_truncated", "action_log_truncated", "network_log_truncated", "dom_truncated", "visible_text_truncated", "console_log_truncated", "session")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TABS_FIELD_NUMBER: _ClassVar[int]
    COOKIES_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_FIELD_NUMBER: _ClassVar[int]
    NETWORK_LOG_FIELD_NUMBER: _ClassVar[int]
    DOM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    CONSOLE_LOG_FIELD_NUMBER: _ClassVar[int]
    PAGE_DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    COOKIES_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    STORAGE_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    ACTION_LOG_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    NETWORK_LOG_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    DOM_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    CONSOLE_LOG_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    rule: str
    usage: Usage
    session_id: CanonicalId
    tabs: _containers.RepeatedCompositeFieldContainer[BrowserTab]
    cookies: _containers.RepeatedCompositeFieldContainer[Cookie]
    storage: _containers.RepeatedCompositeFieldContainer[StorageEntry]
    action_log: _containers.RepeatedCompositeFieldContainer[ActionLogEntry]
    network_log: _containers.RepeatedCompositeFieldContainer[NetworkLogEntry]
    dom_snapshot: str
    visible_text: str
    page_url: str
    console_log: _containers.RepeatedCompositeFieldContainer[ConsoleLogEntry]
    page_diagnostics: PageDiagnostics
    cookies_truncated: bool
    storage_truncated: bool
    action_log_truncated: bool
    network_log_truncated: bool
    dom_truncated: bool
    visible_text_truncated: bool
    console_log_truncated: bool
    session: BrowserSessionSummary
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., tabs: _Optional[_Iterable[_Union[BrowserTab, _Mapping]]] = ..., cookies: _Optional[_Iterable[_Union[Cookie, _Mapping]]] = ..., storage: _Optional[_Iterable[_Union[StorageEntry, _Mapping]]] = ..., action_log: _Optional[_Iterable[_Union[ActionLogEntry, _Mapping]]] = ..., network_log: _Optional[_Iterable[_Union[NetworkLogEntry, _Mapping]]] = ..., dom_snapshot: _Optional[str] = ..., visible_text: _Optional[str] = ..., page_url: _Optional[str] = ..., console_log: _Optional[_Iterable[_Union[ConsoleLogEntry, _Mapping]]] = ..., page_diagnostics: _Optional[_Union[PageDiagnostics, _Mapping]] = ..., cookies_truncated: _Optional[bool] = ..., storage_truncated: _Optional[bool] = ..., action_log_truncated: _Optional[bool] = ..., network_log_truncated: _Optional[bool] = ..., dom_truncated: _Optional[bool] = ..., visible_text_truncated: _Optional[bool] = ..., console_log_truncated: _Optional[bool] = ..., session: _Optional[_Union[BrowserSessionSummary, _Mapping]] = ...) -> None: ...

class RelayOpenTab(_message.Message):
    __slots__ = ("v", "url", "activate", "timeout_ms")
    V_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    v: int
    url: str
    activate: bool
    timeout_ms: int
    def __init__(self, v: _Optional[int] = ..., url: _Optional[str] = ..., activate: _Optional[bool] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class RelayCaptureSelection(_message.Message):
    __slots__ = ("v", "selector", "max_selection_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_SELECTION_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    selector: str
    max_selection_bytes: int
    def __init__(self, v: _Optional[int] = ..., selector: _Optional[str] = ..., max_selection_bytes: _Optional[int] = ...) -> None: ...

class RelayPageSnapshot(_message.Message):
    __slots__ = ("v", "include_dom_snapshot", "include_accessibility_tree", "include_visible_text", "max_dom_snapshot_bytes", "max_accessibility_tree_bytes", "max_visible_text_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DOM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ACCESSIBILITY_TREE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VISIBLE_TEXT_FIELD_NUMBER: _ClassVar[int]
    MAX_DOM_SNAPSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ACCESSIBILITY_TREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_VISIBLE_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    include_dom_snapshot: bool
    include_accessibility_tree: bool
    include_visible_text: bool
    max_dom_snapshot_bytes: int
    max_accessibility_tree_bytes: int
    max_visible_text_bytes: int
    def __init__(self, v: _Optional[int] = ..., include_dom_snapshot: _Optional[bool] = ..., include_accessibility_tree: _Optional[bool] = ..., include_visible_text: _Optional[bool] = ..., max_dom_snapshot_bytes: _Optional[int] = ..., max_accessibility_tree_bytes: _Optional[int] = ..., max_visible_text_bytes: _Optional[int] = ...) -> None: ...

class RelayActionRequest(_message.Message):
    __slots__ = ("v", "session_id", "extension_id", "action", "open_tab", "capture_selection", "page_snapshot", "max_payload_bytes")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EXTENSION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    OPEN_TAB_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_SELECTION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    extension_id: str
    action: str
    open_tab: RelayOpenTab
    capture_selection: RelayCaptureSelection
    page_snapshot: RelayPageSnapshot
    max_payload_bytes: int
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., extension_id: _Optional[str] = ..., action: _Optional[str] = ..., open_tab: _Optional[_Union[RelayOpenTab, _Mapping]] = ..., capture_selection: _Optional[_Union[RelayCaptureSelection, _Mapping]] = ..., page_snapshot: _Optional[_Union[RelayPageSnapshot, _Mapping]] = ..., max_payload_bytes: _Optional[int] = ...) -> None: ...

class RelaySelection(_message.Message):
    __slots__ = ("v", "selector", "selected_text", "truncated")
    V_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SELECTED_TEXT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    v: int
    selector: str
    selected_text: str
    truncated: bool
    def __init__(self, v: _Optional[int] = ..., selector: _Optional[str] = ..., selected_text: _Optional[str] = ..., truncated: _Optional[bool] = ...) -> None: ...

class RelaySnapshot(_message.Message):
    __slots__ = ("v", "accessibility_tree", "dom_snapshot", "visible_text", "accessibility_tree_truncated", "dom_truncated", "visible_text_truncated", "page_url", "title", "snapshot_id", "fence")
    V_FIELD_NUMBER: _ClassVar[int]
    ACCESSIBILITY_TREE_FIELD_NUMBER: _ClassVar[int]
    DOM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_FIELD_NUMBER: _ClassVar[int]
    ACCESSIBILITY_TREE_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    DOM_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_TEXT_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    PAGE_URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    v: int
    accessibility_tree: str
    dom_snapshot: str
    visible_text: str
    accessibility_tree_truncated: bool
    dom_truncated: bool
    visible_text_truncated: bool
    page_url: str
    title: str
    snapshot_id: str
    fence: str
    def __init__(self, v: _Optional[int] = ..., accessibility_tree: _Optional[str] = ..., dom_snapshot: _Optional[str] = ..., visible_text: _Optional[str] = ..., accessibility_tree_truncated: _Optional[bool] = ..., dom_truncated: _Optional[bool] = ..., visible_text_truncated: _Optional[bool] = ..., page_url: _Optional[str] = ..., title: _Optional[str] = ..., snapshot_id: _Optional[str] = ..., fence: _Optional[str] = ...) -> None: ...

class RelayActionResponse(_message.Message):
    __slots__ = ("v", "success", "action", "error", "detail", "rule", "usage", "opened_tab", "selection", "snapshot")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OPENED_TAB_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    action: str
    error: str
    detail: str
    rule: str
    usage: Usage
    opened_tab: BrowserTab
    selection: RelaySelection
    snapshot: RelaySnapshot
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., action: _Optional[str] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., rule: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., opened_tab: _Optional[_Union[BrowserTab, _Mapping]] = ..., selection: _Optional[_Union[RelaySelection, _Mapping]] = ..., snapshot: _Optional[_Union[RelaySnapshot, _Mapping]] = ...) -> None: ...

class BrowserProfile(_message.Message):
    __slots__ = ("v", "profile_id", "principal", "name", "theme_color", "created_unix_ms", "updated_unix_ms", "last_used_unix_ms", "persistence_enabled", "private_profile", "active", "revision", "form", "engine", "size_bytes", "used_by", "written_by")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THEME_COLOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_BY_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_BY_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile_id: CanonicalId
    principal: str
    name: str
    theme_color: str
    created_unix_ms: int
    updated_unix_ms: int
    last_used_unix_ms: int
    persistence_enabled: bool
    private_profile: bool
    active: bool
    revision: int
    form: str
    engine: str
    size_bytes: int
    used_by: _containers.RepeatedCompositeFieldContainer[CanonicalId]
    written_by: CanonicalId
    def __init__(self, v: _Optional[int] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., principal: _Optional[str] = ..., name: _Optional[str] = ..., theme_color: _Optional[str] = ..., created_unix_ms: _Optional[int] = ..., updated_unix_ms: _Optional[int] = ..., last_used_unix_ms: _Optional[int] = ..., persistence_enabled: _Optional[bool] = ..., private_profile: _Optional[bool] = ..., active: _Optional[bool] = ..., revision: _Optional[int] = ..., form: _Optional[str] = ..., engine: _Optional[str] = ..., size_bytes: _Optional[int] = ..., used_by: _Optional[_Iterable[_Union[CanonicalId, _Mapping]]] = ..., written_by: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class ListProfilesRequest(_message.Message):
    __slots__ = ("v", "principal", "limit", "cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    limit: int
    cursor: str
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListProfilesResponse(_message.Message):
    __slots__ = ("v", "profiles", "active_profile_id", "next_cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    profiles: _containers.RepeatedCompositeFieldContainer[BrowserProfile]
    active_profile_id: CanonicalId
    next_cursor: str
    def __init__(self, v: _Optional[int] = ..., profiles: _Optional[_Iterable[_Union[BrowserProfile, _Mapping]]] = ..., active_profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class CreateProfileRequest(_message.Message):
    __slots__ = ("v", "principal", "name", "theme_color", "persistence_enabled", "private_profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THEME_COLOR_FIELD_NUMBER: _ClassVar[int]
    PERSISTENCE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    name: str
    theme_color: str
    persistence_enabled: bool
    private_profile: bool
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., name: _Optional[str] = ..., theme_color: _Optional[str] = ..., persistence_enabled: _Optional[bool] = ..., private_profile: _Optional[bool] = ...) -> None: ...

class CreateProfileResponse(_message.Message):
    __slots__ = ("v", "profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile: BrowserProfile
    def __init__(self, v: _Optional[int] = ..., profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class RenameProfileRequest(_message.Message):
    __slots__ = ("v", "principal", "profile_id", "name")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    profile_id: CanonicalId
    name: str
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., name: _Optional[str] = ...) -> None: ...

class RenameProfileResponse(_message.Message):
    __slots__ = ("v", "profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile: BrowserProfile
    def __init__(self, v: _Optional[int] = ..., profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class DeleteProfileRequest(_message.Message):
    __slots__ = ("v", "principal", "profile_id", "force")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    profile_id: CanonicalId
    force: bool
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., force: _Optional[bool] = ...) -> None: ...

class DeleteProfileResponse(_message.Message):
    __slots__ = ("v", "deleted", "active_profile_id")
    V_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    deleted: bool
    active_profile_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., deleted: _Optional[bool] = ..., active_profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class SetActiveProfileRequest(_message.Message):
    __slots__ = ("v", "principal", "profile_id")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    profile_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class SetActiveProfileResponse(_message.Message):
    __slots__ = ("v", "profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile: BrowserProfile
    def __init__(self, v: _Optional[int] = ..., profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class ForkProfileRequest(_message.Message):
    __slots__ = ("v", "principal", "profile_id", "name", "revision")
    V_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    v: int
    principal: str
    profile_id: CanonicalId
    name: str
    revision: int
    def __init__(self, v: _Optional[int] = ..., principal: _Optional[str] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., name: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ForkProfileResponse(_message.Message):
    __slots__ = ("v", "profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile: BrowserProfile
    def __init__(self, v: _Optional[int] = ..., profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class SaveProfileRequest(_message.Message):
    __slots__ = ("v", "session_id")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class SaveProfileResponse(_message.Message):
    __slots__ = ("v", "profile")
    V_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    v: int
    profile: BrowserProfile
    def __init__(self, v: _Optional[int] = ..., profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class DownloadArtifact(_message.Message):
    __slots__ = ("v", "artifact_id", "session_id", "profile_id", "source_url", "file_name", "mime_type", "size_bytes", "sha256", "created_at_unix_ms", "quarantined", "quarantine_reason", "kind", "state", "quarantine_reasons", "declared_mime_type", "referrer", "expires_at_unix_ms", "principal", "decided_by")
    V_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    QUARANTINE_REASON_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUARANTINE_REASONS_FIELD_NUMBER: _ClassVar[int]
    DECLARED_MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    REFERRER_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    v: int
    artifact_id: CanonicalId
    session_id: CanonicalId
    profile_id: CanonicalId
    source_url: str
    file_name: str
    mime_type: str
    size_bytes: int
    sha256: str
    created_at_unix_ms: int
    quarantined: bool
    quarantine_reason: str
    kind: str
    state: str
    quarantine_reasons: _containers.RepeatedScalarFieldContainer[str]
    declared_mime_type: str
    referrer: str
    expires_at_unix_ms: int
    principal: str
    decided_by: str
    def __init__(self, v: _Optional[int] = ..., artifact_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., profile_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., source_url: _Optional[str] = ..., file_name: _Optional[str] = ..., mime_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., created_at_unix_ms: _Optional[int] = ..., quarantined: _Optional[bool] = ..., quarantine_reason: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., quarantine_reasons: _Optional[_Iterable[str]] = ..., declared_mime_type: _Optional[str] = ..., referrer: _Optional[str] = ..., expires_at_unix_ms: _Optional[int] = ..., principal: _Optional[str] = ..., decided_by: _Optional[str] = ...) -> None: ...

class ListDownloadArtifactsRequest(_message.Message):
    __slots__ = ("v", "session_id", "limit", "quarantined_only", "cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_ONLY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    limit: int
    quarantined_only: bool
    cursor: str
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., limit: _Optional[int] = ..., quarantined_only: _Optional[bool] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListDownloadArtifactsResponse(_message.Message):
    __slots__ = ("v", "artifacts", "truncated", "error", "next_cursor")
    V_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    v: int
    artifacts: _containers.RepeatedCompositeFieldContainer[DownloadArtifact]
    truncated: bool
    error: str
    next_cursor: str
    def __init__(self, v: _Optional[int] = ..., artifacts: _Optional[_Iterable[_Union[DownloadArtifact, _Mapping]]] = ..., truncated: _Optional[bool] = ..., error: _Optional[str] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetDownloadArtifactRequest(_message.Message):
    __slots__ = ("v", "session_id", "artifact_id", "max_bytes", "quarantined")
    V_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    v: int
    session_id: CanonicalId
    artifact_id: CanonicalId
    max_bytes: int
    quarantined: bool
    def __init__(self, v: _Optional[int] = ..., session_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., artifact_id: _Optional[_Union[CanonicalId, _Mapping]] = ..., max_bytes: _Optional[int] = ..., quarantined: _Optional[bool] = ...) -> None: ...

class GetDownloadArtifactResponse(_message.Message):
    __slots__ = ("v", "success", "error", "detail", "artifact", "content")
    V_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    v: int
    success: bool
    error: str
    detail: str
    artifact: DownloadArtifact
    content: bytes
    def __init__(self, v: _Optional[int] = ..., success: _Optional[bool] = ..., error: _Optional[str] = ..., detail: _Optional[str] = ..., artifact: _Optional[_Union[DownloadArtifact, _Mapping]] = ..., content: _Optional[bytes] = ...) -> None: ...

class ReleaseDownloadArtifactRequest(_message.Message):
    __slots__ = ("v", "artifact_id")
    V_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    artifact_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., artifact_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class ReleaseDownloadArtifactResponse(_message.Message):
    __slots__ = ("v", "artifact")
    V_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    v: int
    artifact: DownloadArtifact
    def __init__(self, v: _Optional[int] = ..., artifact: _Optional[_Union[DownloadArtifact, _Mapping]] = ...) -> None: ...

class DeleteDownloadArtifactRequest(_message.Message):
    __slots__ = ("v", "artifact_id")
    V_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    v: int
    artifact_id: CanonicalId
    def __init__(self, v: _Optional[int] = ..., artifact_id: _Optional[_Union[CanonicalId, _Mapping]] = ...) -> None: ...

class DeleteDownloadArtifactResponse(_message.Message):
    __slots__ = ("v", "deleted")
    V_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    v: int
    deleted: bool
    def __init__(self, v: _Optional[int] = ..., deleted: _Optional[bool] = ...) -> None: ...
