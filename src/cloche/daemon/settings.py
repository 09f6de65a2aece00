"""Everything that can be set: `CLOCHE_*` variables over `cloche.toml` over these defaults. Read once, at the edge."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cloche.daemon.admission_settings import AdmissionSettings
from cloche.daemon.browser_settings import BrowserSettings
from cloche.daemon.keeping_settings import KeepingSettings
from cloche.daemon.live_settings import LiveSettings
from cloche.daemon.pool_settings import PoolSettingsPart
from cloche.telemetry.logs import LogFormat

MIB: Final = 1 << 20
GIB: Final = 1 << 30

CommaList = Annotated[tuple[str, ...], NoDecode]


def default_state_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/cloche")
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "cloche"


def default_run_dir() -> Path:
    """Short, because a unix socket's path holds at most 107 bytes (unix(7))."""
    if os.geteuid() == 0:
        return Path("/run/cloche")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "cloche" if runtime else Path(f"/tmp/cloche-{os.geteuid()}")  # noqa: S108


class Settings(AdmissionSettings, BrowserSettings, KeepingSettings, LiveSettings, PoolSettingsPart):
    """The daemon's settings. Each part gets its own small frozen view of them from `bootstrap`."""

    model_config = SettingsConfigDict(
        env_prefix="CLOCHE_", toml_file="cloche.toml", frozen=True, extra="ignore", env_ignore_empty=True
    )

    state_dir: Path = Field(default_factory=default_state_dir)
    run_dir: Path = Field(default_factory=default_run_dir)
    http_bind: str = "127.0.0.1:8090"
    grpc_bind: str = "127.0.0.1:8091"
    """Set to nothing: no gRPC."""
    grpc_tls_cert: Path | None = None
    """A PEM file, with the chain. It and the key: both or neither."""
    grpc_tls_key: Path | None = None
    public_url: str | None = None
    allowed_hosts: CommaList = ()
    allowed_origins: CommaList = ()
    database_url: str | None = None
    admin_key: SecretStr | None = None
    log_format: LogFormat = LogFormat.JSON
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    chromium_shell: Path = Path("/usr/lib/chromium/chromium-headless-shell")
    chromium: Path = Path("/usr/lib/chromium/chromium")
    bubblewrap: Path | None = None
    busybox: Path | None = None
    uid_range: str = ""

    start_timeout_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    browser_start_timeout_s: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    restart_budget: int = Field(default=3, ge=0)
    restart_window_s: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    lease_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    stop_sessions: bool = True
    """On SIGTERM end all sessions. False leaves them running for the next daemon, for as long as their lease."""

    idle_timeout_s: int = Field(default=600, ge=1)
    max_idle_timeout_s: int = Field(default=86_400, ge=1)
    lifetime_s: int = Field(default=3_600, ge=1)
    max_lifetime_s: int = Field(default=86_400, ge=1)
    standby_after_s: float = Field(default=5.0, ge=1, le=3_600, allow_inf_nan=False)
    """How long nobody uses a session that asks for standby until it sleeps, unless it names another time."""
    memory_bytes: int = Field(default=1 * GIB, ge=256 * MIB)
    max_memory_bytes: int = Field(default=4 * GIB, ge=256 * MIB)
    processes: int = Field(default=512, ge=64)
    max_processes: int = Field(default=2048, ge=64)
    cpu_cores: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    max_cpu_cores: float = Field(default=float(os.cpu_count() or 1), gt=0, allow_inf_nan=False)
    disk_bytes: int = Field(default=1 * GIB, ge=16 * MIB)
    max_disk_bytes: int = Field(default=4 * GIB, ge=16 * MIB)
    egress_bytes: int = Field(default=10 * GIB, ge=0)
    max_egress_bytes: int = Field(default=100 * GIB, ge=0)
    egress_connections: int = Field(default=256, ge=1)
    max_egress_connections: int = Field(default=1024, ge=1)

    data_workers: int = Field(default=0, ge=0, le=64)
    """Processes that relay DevTools' and the gateways' bytes; 0: the daemon does it itself."""
    max_upload_bytes: int = Field(default=4 * GIB, ge=1 * MIB)
    """Of the body of one upload into a session, and of what it unpacks to."""

    egress_ports: str | None = None
    egress_deny_hosts: CommaList = ()
    egress_own_addresses: bool = False
    """Whether sessions may reach public addresses of this very machine; see docs/reference/egress.md."""
    egress_upstream: SecretStr | None = None
    private_hosts_ceiling: CommaList | None = None
    """Which private hosts sessions may name: `host:port` entries, `*` for the port. Unset: any when the daemon is
    bound to loopback only, none otherwise. Set to nothing: none."""
    resolver_hosts: Path | None = None
    """A hosts(5) file asked before the system's resolver."""

    @field_validator("allowed_hosts", "allowed_origins", "egress_deny_hosts", "private_hosts_ceiling", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("http_bind", "grpc_bind")
    @classmethod
    def _host_and_port(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "grpc_bind":
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("must be host:port")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = os.environ.get("CLOCHE_CONFIG", "cloche.toml")
        # Elsewhere an empty variable is as good as none; here that would open what its author meant to shut.
        shut = {
            name: value
            for name, value in (("private_hosts_ceiling", ()), ("grpc_bind", ""))
            if os.environ.get(f"CLOCHE_{name.upper()}") == ""
        }
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, shut),
            TomlConfigSettingsSource(settings_cls, Path(toml)),
        )
