"""The documented command line, for an agent that someone starts by hand or from another host.

Flag over variable over default; `CLOCHE_…` over `MESHBROW_…`. One dash or two, `--flag value` or `--flag=value`.
In this form there is no lease, no browser to supervise and no guest socket: the browser is whichever process the pid
file names. (Parsed by hand: argparse costs more memory than all of the agent's own code.)
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cloche.agent.durations import parse_duration
from cloche.agent.procfs import read_process
from cloche.wire.agent_config import AgentConfig
from cloche.wire.messages import AGENT_VERSION, LINK_PROTOCOL

DEFAULTS: Final = {
    "session-id": "",
    "socket": "/run/meshbrow/agent.sock",
    "workspace": "/tmp/meshbrow-session",  # noqa: S108  # the protocol's documented default
    "log-level": "info",
    "heartbeat-interval": "5s",
    "metrics-interval": "10s",
    "browser-pid-file": "/run/meshbrow/browser.pid",
}
_PREFIXES: Final = ("CLOCHE_", "MESHBROW_")

USAGE: Final = "usage: cloche-agent " + " ".join(f"[--{name} {name.upper()}]" for name in DEFAULTS) + " [--version]"


class UsageError(ValueError):
    """The command line will not do. `exit_code` is 2 for one that cannot be read, 1 for a value that is refused."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Options(NamedTuple):
    config: AgentConfig
    browser_pid_file: str


def version_text() -> str:
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"cloche-agent {AGENT_VERSION}\nprotocol: {LINK_PROTOCOL}\npython: {python}"


def parse_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Read the command line.

    Raises:
        UsageError: see there.
    """
    values = _defaults(environ) | _flags(arguments)
    if not values["session-id"]:
        raise UsageError("--session-id is required", 1)
    config = AgentConfig(
        session_id=values["session-id"],
        token="",
        socket=values["socket"],
        workspace=values["workspace"],
        log_level=values["log-level"],
        lease_s=0,
        heartbeat_interval_s=_interval("heartbeat-interval", values),
        metrics_interval_s=_interval("metrics-interval", values),
    )
    return Options(config, values["browser-pid-file"])


def read_pid_file(path: str) -> int | None:
    """Return the pid in the file if that process is alive (a zombie is not)."""
    try:
        with open(path, encoding="ascii") as file:
            pid = int(file.read(32))
    except (OSError, ValueError):
        return None
    process = read_process(pid)
    return pid if process is not None and process.is_alive else None


def _defaults(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: _from_environ(name, environ) or default for name, default in DEFAULTS.items()}


def _from_environ(name: str, environ: Mapping[str, str]) -> str:
    key = name.upper().replace("-", "_")
    return next((environ[prefix + key] for prefix in _PREFIXES if environ.get(prefix + key)), "")


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        name, equals, value = flag.lstrip("-").partition("=")
        if not flag.startswith("-") or name not in DEFAULTS:
            raise UsageError(f"unknown argument: {flag}", 2)
        if not equals and not rest:
            raise UsageError(f"--{name} needs a value", 2)
        values[name] = value if equals else rest.pop(0)
    return values


def _interval(name: str, values: Mapping[str, str]) -> float:
    try:
        seconds = parse_duration(values[name])
    except ValueError as error:
        raise UsageError(f"--{name}: {error}", 1) from None
    if seconds <= 0:
        raise UsageError(f"--{name} must be longer than nothing", 1)
    return seconds


def make_workspace(path: str) -> None:
    """Create the workspace with its parents.

    Raises:
        UsageError: it cannot be.
    """
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except OSError as error:
        raise UsageError(f"workspace {path}: {error.strerror}", 1) from None
