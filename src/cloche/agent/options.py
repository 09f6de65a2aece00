"""The documented command line, for an agent that someone starts by hand, in a virtual machine or from another host.

Flag over variable over file over default; `CLOCHE_…` over `MESHBROW_…`. One dash or two, `--flag value` or
`--flag=value`. In this form there is no lease, no browser to supervise and no guest socket: the browser is whichever
process the pid file names. With `--session-id` the agent dials a host (the link), with `--listen` or `--port` it
serves the guest protocol, and it may do both. (Parsed by hand: argparse costs more memory than all of the agent's own
code.)
"""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cloche.agent.durations import parse_duration
from cloche.agent.procfs import read_process
from cloche.wire.agent_config import AgentConfig
from cloche.wire.messages import AGENT_VERSION, LINK_PROTOCOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cloche.agent.guest_config import GuestConfig

DEFAULTS: Final = {
    "session-id": "",
    "socket": "/run/meshbrow/agent.sock",
    "workspace": "/tmp/meshbrow-session",  # noqa: S108  # the protocol's documented default
    "log-level": "info",
    "heartbeat-interval": "5s",
    "metrics-interval": "10s",
    "browser-pid-file": "/run/meshbrow/browser.pid",
    "listen": "",
    "port": "",
    "config": "",
    "config-dir": "/etc/cloche /etc/mvm",
    "busy-threshold": "0.1",
    "sample-interval": "5s",
    "policy": "",
    "exec": "false",
    "watch": "true",
    "owns-machine": "false",
}
SWITCHES: Final = frozenset({"exec", "watch", "owns-machine"})
REPEATABLE: Final = frozenset({"listen", "config-dir"})
"""Variables for these hold several values with blanks between them: an address may hold a comma."""

POLICY_FILES: Final = ("/mnt/config/security-policy.json", "/etc/cloche/security-policy.json")
"""The first that is there when the agent starts; the last where none is, and then Exec stays refused."""

_PREFIXES: Final = ("CLOCHE_", "MESHBROW_")
_TRUTHS: Final = {"1": True, "true": True, "0": False, "false": False}
_SHORTEST_SAMPLE_S: Final = 0.1

USAGE: Final = """\
usage: cloche-agent --session-id ID [options]      report to a host's unix socket
       cloche-agent --listen ADDRESS [options]     serve the guest protocol; both together are fine

Reporting to a host:
  --session-id ID             the session's name, required without --listen
  --socket PATH               where the host listens (/run/meshbrow/agent.sock)
  --workspace DIR             created where it is not; watched, and its disk measured (/tmp/meshbrow-session)
  --watch, --no-watch         report changes in the workspace (on)
  --heartbeat-interval TIME   (5s)
  --metrics-interval TIME     (10s)
  --browser-pid-file PATH     names the browser (/run/meshbrow/browser.pid)

Serving the guest protocol:
  --listen ADDRESS            unix:PATH, vsock:PORT or vsock:PORT,peer=CID|any; repeatable
  --port N                    the same as --listen vsock:N
  --config PATH               JSON with port, busy_threshold, sample_interval_secs (/etc/mvm/agent.json)
  --config-dir DIR            holds integrations.d and probes.d; repeatable (/etc/cloche, /etc/mvm)
  --busy-threshold N          processors in use that make the machine busy (0.1)
  --sample-interval TIME      how often that is looked at (5s)
  --exec                      let Exec run commands, where the policy allows it too (off)
  --policy PATH               the policy (/mnt/config/… or /etc/cloche/security-policy.json)
  --owns-machine              all of the machine is the session's; understood with vsock

  --log-level LEVEL           debug, info, warn or error (info)
  --version, --help

TIME is written 500ms, 5s, 1m30s. Each option has a variable, CLOCHE_SESSION_ID or MESHBROW_SESSION_ID and so on:
a flag wins over it. A switch's variable is 1 or true, 0 or false; a repeatable one's values have blanks between them.
Signals: TERM and INT end the agent in order, twice at once; HUP reads the drop-in files again."""


class UsageError(ValueError):
    """The command line will not do. `exit_code` is 2 for one that cannot be read, 1 for a value that is refused."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Options(NamedTuple):
    config: AgentConfig
    browser_pid_file: str
    warning: str = ""
    """Something that is wrong and does not stand in the way."""


def version_text() -> str:
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"cloche-agent {AGENT_VERSION}\nprotocol: {LINK_PROTOCOL}\npython: {python}"


def parse_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Read the command line, and the configuration file where there is one.

    A file that is named makes the agent listen as the published guest agent does; the usual one is read only where
    it listens anyway.

    Raises:
        UsageError: see there.
    """
    values = _variables(environ) | _flags(arguments)
    listen = _addresses(values)
    file, warning = _file(values.get("config", [""])[-1], bool(listen))
    if values.get("config") and not listen:
        listen = [f"vsock:{file.port or _guest_port()}"]
    session_id = _text(values, "session-id")
    if not session_id and not listen:
        raise UsageError("--session-id is required, or --listen", 1)
    config = AgentConfig(
        session_id=session_id,
        token="",
        socket=_text(values, "socket"),
        workspace=_text(values, "workspace"),
        log_level=_text(values, "log-level"),
        lease_s=0,
        heartbeat_interval_s=_seconds(values, "heartbeat-interval"),
        metrics_interval_s=_seconds(values, "metrics-interval"),
        watch_workspace=bool(session_id) and _switch(values, "watch"),
        listen=_checked(listen),
        config_dirs=tuple(values.get("config-dir") or DEFAULTS["config-dir"].split()),
        busy_threshold=_threshold(values, file),
        sample_interval_s=_sample_interval(values, file),
        exec_enabled=_switch(values, "exec"),
        policy_file=_text(values, "policy") or _policy_file(),
        owns_machine=_switch(values, "owns-machine") or any(address.startswith("vsock:") for address in listen),
    )
    return Options(config, _text(values, "browser-pid-file"), warning)


def read_pid_file(path: str) -> int | None:
    """Return the pid in the file if that process is alive (a zombie is not).

    Whoever keeps the browser writes the file, and it is read again and again: a FIFO in its place must hold up nobody.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            pid = int(os.read(fd, 32).decode("ascii"))
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return None
    process = read_process(pid)
    return pid if process is not None and process.is_alive else None


def make_workspace(path: str) -> None:
    """Create the workspace with its parents.

    Raises:
        UsageError: it cannot be.
    """
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except OSError as error:
        raise UsageError(f"workspace {path}: {error.strerror}", 1) from None


def _variables(environ: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what variables say, by the option's name. An empty one says nothing."""
    found: dict[str, list[str]] = {}
    for name in DEFAULTS:
        key = name.upper().replace("-", "_")
        text = next((environ[prefix + key] for prefix in _PREFIXES if environ.get(prefix + key)), "")
        if text:
            found[name] = text.split() if name in REPEATABLE else [text]
    return found


def _flags(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return what flags say, by the option's name: for most of them the last one counts."""
    values: dict[str, list[str]] = {}
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        name, equals, value = flag.lstrip("-").partition("=")
        if name == "no-watch" and not equals:
            name, equals, value = "watch", "=", "false"
        if not flag.startswith("-") or name not in DEFAULTS:
            raise UsageError(f"unknown argument: {flag}", 2)
        if name in SWITCHES and not equals:
            equals, value = "=", "true"
        if not equals and not rest:
            raise UsageError(f"--{name} needs a value", 2)
        values.setdefault(name, []).append(value if equals else rest.pop(0))
    return values


def _text(values: Mapping[str, list[str]], name: str) -> str:
    return values.get(name, [DEFAULTS[name]])[-1]


def _switch(values: Mapping[str, list[str]], name: str) -> bool:
    try:
        return _TRUTHS[_text(values, name).lower()]
    except KeyError:
        raise UsageError(f"--{name} is 1, true, 0 or false", 1) from None


def _seconds(values: Mapping[str, list[str]], name: str, is_plain: bool = False) -> float:
    text = _text(values, name)
    try:
        seconds = float(text) if is_plain and text.replace(".", "", 1).isdecimal() else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--{name}: {error}", 1) from None
    if not 0 < seconds < math.inf:
        raise UsageError(f"--{name} must be longer than nothing", 1)
    return seconds


def _sample_interval(values: Mapping[str, list[str]], file: "GuestConfig") -> float:
    if "sample-interval" not in values and file.sample_interval_s is not None:
        return file.sample_interval_s
    # The published agent takes plain seconds, so these do too.
    seconds = _seconds(values, "sample-interval", is_plain=True)
    if seconds < _SHORTEST_SAMPLE_S:
        raise UsageError(f"--sample-interval must be at least {_SHORTEST_SAMPLE_S * 1000:.0f}ms", 1)
    return seconds


def _threshold(values: Mapping[str, list[str]], file: "GuestConfig") -> float:
    if "busy-threshold" not in values and file.busy_threshold is not None:
        return file.busy_threshold
    text = _text(values, "busy-threshold")
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not 0 <= threshold < math.inf:
        raise UsageError(f"--busy-threshold must be a number of processors, not {text[:64]!r}", 1)
    return threshold


def _addresses(values: Mapping[str, list[str]]) -> list[str]:
    port = _text(values, "port")
    return [*values.get("listen", ()), *([f"vsock:{port}"] if port else ())]


def _checked(listen: list[str]) -> tuple[str, ...]:
    if listen:
        from cloche.agent.guest_protocol.address import parse_address

        for text in listen:
            try:
                parse_address(text)
            except ValueError as error:
                raise UsageError(f"--listen {text[:128]}: {error}", 1) from None
    return tuple(listen)


def _file(path: str, is_listening: bool) -> tuple["GuestConfig", str]:
    """Read the file that was named, or where there is one to serve, the usual one; give a warning about the latter."""
    from cloche.agent.guest_config import DEFAULT_PATH, GuestConfig, read_guest_config

    if not path and not is_listening:
        return GuestConfig(), ""
    try:
        return read_guest_config(path or DEFAULT_PATH), ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if path:
            raise UsageError(f"--config {path}: {reason}", 1) from None
        return GuestConfig(), "" if isinstance(error, FileNotFoundError) else f"{DEFAULT_PATH} is ignored: {reason}"


def _guest_port() -> int:
    from cloche.wire.guest import GUEST_PORT

    return GUEST_PORT


def _policy_file() -> str:
    return next((path for path in POLICY_FILES[:-1] if os.path.exists(path)), POLICY_FILES[-1])
