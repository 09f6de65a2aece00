"""What the daemon tells an agent at its start: JSON on an inherited descriptor (`--config-fd`), never argv or environ.

Built by the sessions layer and completed by the sandbox driver (what is marked *driver*); read once by the agent,
which closes the descriptor. Unknown keys are ignored so that an older agent runs under a newer daemon.
"""

import json
import math
from typing import Any, Final, NamedTuple

MAX_CONFIG_BYTES: Final = 256 * 1024

DEVTOOLS_PORT: Final = 9222
EGRESS_PORT: Final = 1080
SPOOL_DIR: Final = "/data/downloads"
"""Inside the sandbox."""


class ConfigError(ValueError):
    """The configuration is not usable; the message names the key."""


class BrowserConfig(NamedTuple):
    """How to run and keep Chromium."""

    executable: str = ""
    """*driver*: the path inside the sandbox."""
    args: tuple[str, ...] = ()
    """Everything after argv[0]."""
    env: dict[str, str] = {}  # noqa: RUF012 - shared, and never written to
    """Chromium's whole environment."""
    user_data_dir: str = "/data/profile"
    """Where Chromium writes DevToolsActivePort; the agent removes a stale one before each start."""
    devtools_port: int = 0
    """Where Chromium was told to listen, if it does not write that into DevToolsActivePort: full Chromium does so only
    for a port of its own choice. 0: the file is waited for."""
    start_timeout_s: float = 20.0
    restart_budget: int = 3
    """Restarts allowed within `restart_window_s`; a crash before the first ready is never restarted."""
    restart_window_s: float = 300.0
    stop_grace_s: float = 5.0
    at_rest: bool = False
    """Begin as after POST /browser/stop, so that the host can fill the user-data directory before the first start."""
    carries_profile: bool = False
    """Serve the user-data directory as a tar archive, and take one in its place, also without `machine`."""


class WatchdogConfig(NamedTuple):
    """*driver*: limits the agent enforces itself, where the kernel's cannot be had."""

    memory_bytes: int
    processes: int
    interval_s: float = 0.5


class AgentConfig(NamedTuple):
    session_id: str
    token: str
    """Proves to the host that this is the agent it started; sent in `register`."""
    socket: str = ""
    """*driver*: where the host listens for the link, as seen from inside."""
    guest_fd: int = -1
    """*driver*: an inherited, listening unix socket: the guest socket."""
    egress_port: int = EGRESS_PORT
    workspace: str = "/workspace"
    lease_s: float = 60.0
    """The lease until the host's first `lease` message; 0 means none until then."""
    owns_pid_namespace: bool = False
    """*driver*: whatever process the agent can see is this session's, and may be killed with its browser."""
    heartbeat_interval_s: float = 5.0
    metrics_interval_s: float = 10.0
    log_level: str = "info"
    memory_limit_bytes: int = 0
    """*driver*: what the kernel lets the session have. 0: not limited by the kernel."""
    watch_workspace: bool = False
    """Report changes in the workspace from the start, and not only once the host asks (`watch`)."""
    listen: tuple[str, ...] = ()
    """Where to serve the guest protocol besides the guest socket: `vsock:52`, `unix:/run/agent.sock`."""
    config_dirs: tuple[str, ...] = ("/etc/cloche", "/etc/mvm")
    """Where `integrations.d` and `probes.d` are; what is not there is no mistake."""
    busy_threshold: float = 0.1
    """Processors in use from which on a session is busy without anyone in it."""
    sample_interval_s: float = 5.0
    machine: bool = False
    """Serve the whole machine API: programs, files, logs from files. Without it only what the owner of a session sees
    anyway."""
    machine_env: dict[str, str] = {}  # noqa: RUF012 - shared, and never written to
    """What programs of the process API find in their environment; the *driver* puts its own beneath it."""
    staging_dir: str = "/data/staging"
    """Where uploads are put together: on the file system of the workspace and of the browser's profile."""
    spool_dir: str = SPOOL_DIR
    """Where the browser puts what it downloads, until the host has taken it."""
    policies_dir: str = "/data/policies/managed"
    """Where Chromium finds the policies it must keep to: what `/etc/chromium/policies/managed` leads to."""
    exec_enabled: bool = False
    """The switch for Exec; the policy must allow it as well."""
    exec_allowed: bool = False
    """The policy, where it is the daemon's and `policy_file` is empty."""
    policy_file: str = ""
    """The policy, where it is a file: read at each Exec; missing or unreadable is deny."""
    owns_machine: bool = False
    """The kernel is the session's own (a virtual machine): all of it may be synced, and its caches dropped."""
    browser: BrowserConfig | None = None
    watchdog: WatchdogConfig | None = None

    def encode(self) -> bytes:
        parts = {name: part._asdict() for name in ("browser", "watchdog") if (part := getattr(self, name)) is not None}
        return json.dumps(self._asdict() | parts, separators=(",", ":")).encode()


def parse_agent_config(data: bytes) -> AgentConfig:
    """Read what `AgentConfig.encode` wrote.

    Raises:
        ConfigError: not JSON, too large, a required key missing, or a value of the wrong type.
    """
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError("configuration too large")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigError("configuration is not JSON") from None
    if not isinstance(value, dict):
        raise ConfigError("configuration must be an object")
    browser, watchdog = value.pop("browser", None), value.pop("watchdog", None)
    config = _build(AgentConfig, value)
    parts: dict[str, Any] = {}
    if browser is not None:
        parts["browser"] = _build(BrowserConfig, browser)
    if watchdog is not None:
        parts["watchdog"] = _build(WatchdogConfig, watchdog)
    complete: AgentConfig = config._replace(**parts)
    return complete


_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    str(bool): (bool,),
    str(str): (str,),
    str(int): (int,),
    str(float): (int, float),
    "tuple[str, ...]": (list,),
    "dict[str, str]": (dict,),
}


def _build(cls: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(f"{cls.__name__} must be an object")
    types: dict[str, Any] = cls.__annotations__
    arguments = {name: _checked(name, types[name], value[name]) for name in types if name in value}
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ConfigError(str(error)) from None


def _checked(name: str, type_: Any, value: Any) -> Any:
    if not isinstance(value, _JSON_TYPES[str(type_)]) or (isinstance(value, bool) and type_ is not bool):
        raise ConfigError(f"{name} must be {type_}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} must be finite")
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{name} must hold strings")
        return tuple(value)
    if isinstance(value, dict) and not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise ConfigError(f"{name} must hold strings")
    return value
