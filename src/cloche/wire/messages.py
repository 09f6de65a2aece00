"""The agent link's vocabulary: envelope, types and key sets of messages between host and agent.

The envelope and the seven documented types are those of the published browser-agent protocol (newline-delimited
JSON on a unix socket); a host written for that protocol understands this agent and the other way round. What is
ours stands beside, never instead: extra keys in `register`, `heartbeat` and `metrics`, and the types marked *ours*,
which an agent sends only to a host that started it with a configuration of ours.

    agent → host   {"type", "session_id", "timestamp", "payload"?, "request_id"?}
    host → agent   {"id", "type", "payload"?}
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

Payload = dict[str, Any]

AGENT_VERSION: Final = "agent/1.0"

AT_REST: Final = "at_rest"
"""The reason of a browser that was never started, see `BrowserState`."""

LINK_PROTOCOL: Final = 1
"""The revision of what is ours, sent in `register`; it changes when an older host could misread a newer agent."""


class FromAgent(StrEnum):
    REGISTER = "register"
    HEARTBEAT = "heartbeat"
    METRICS = "metrics"
    FS_EVENT = "fs_event"
    DEREGISTER = "deregister"
    HEALTH_RESPONSE = "health_response"
    METRICS_RESPONSE = "metrics_response"
    BROWSER = "browser"  # ours: the browser changed state, see BrowserState
    ERROR = "error"  # ours: a command was malformed or unknown; `request_id` names it where it had an id


class ToAgent(StrEnum):
    SHUTDOWN = "shutdown"
    HEALTH_CHECK = "health_check"
    COLLECT_METRICS = "collect_metrics"
    LEASE = "lease"  # ours: payload {"ttl_s": number}; the agent ends itself when no newer one came in that time
    ACTIVITY = "activity"  # ours: payload {"clients": int, "actions": int}: who is in the session, as the host sees it
    WATCH = "watch"  # ours: payload {"enabled": bool}: report changes in the workspace, or stop


class HealthStatus(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class WorkerStatus(StrEnum):
    """Whether somebody is at work in the session: in heartbeats, and in the guest protocol's answer."""

    IDLE = "idle"
    BUSY = "busy"
    UNKNOWN = "unknown"


class BrowserState(StrEnum):
    """`state` in the payload of a `browser` message.

    starting    pid
    ready       pid, devtools_path (`/devtools/browser/…`), product (`Chrome/156…`), revision (`@…`), start_ms
    exited      pid, exit_code | signal, log_tail, reason: `crashed`, `crashed_at_start` (before it was ever ready),
                `closed` (exit code 0 unasked: a client sent Browser.close), `over_memory`, `stopped`,
                `start_timeout`, `exec_failed` (then without pid)
    stopped     nothing; asked for, after `exited`, and it stays so until somebody starts it. With the reason
                `at_rest`: the host wanted it so from the start on, and there has been no browser yet
    restarting  restarts (so far, since the agent's start), delay_s
    gave_up     restarts, exit_code | signal, log_tail, reason: `restart_budget_spent`, or that of the exit when no
                browser was ever ready; the agent shuts down after this

    The `browser` object in `register` is the last of these, with `restarts` always in it.
    """

    STARTING = "starting"
    READY = "ready"
    EXITED = "exited"
    STOPPED = "stopped"
    RESTARTING = "restarting"
    GAVE_UP = "gave_up"


class AgentMessage(NamedTuple):
    """One message from an agent, its envelope checked."""

    type: str
    session_id: str
    payload: Payload = {}  # noqa: RUF012 - shared, and never written to
    request_id: str | None = None


class Command(NamedTuple):
    """One command to an agent, its envelope checked."""

    type: str
    id: str
    payload: Payload = {}  # noqa: RUF012 - shared, and never written to


class MessageError(ValueError):
    """An envelope that is not one. `request_id` is the command's id where it could still be read."""

    def __init__(self, reason: str, request_id: str | None = None) -> None:
        super().__init__(reason)
        self.request_id = request_id


def agent_message(
    type_: str, session_id: str, now: datetime, payload: Payload | None = None, request_id: str | None = None
) -> dict[str, Any]:
    """Build an agent→host envelope; `timestamp` is RFC 3339 in UTC with `Z`."""
    stamp = now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    message: dict[str, Any] = {"type": str(type_), "session_id": session_id, "timestamp": stamp}
    if payload is not None:
        message["payload"] = payload
    if request_id:
        message["request_id"] = request_id
    return message


def command(type_: str, id_: str, payload: Payload | None = None) -> dict[str, Any]:
    """Build a host→agent envelope."""
    message: dict[str, Any] = {"id": id_, "type": str(type_)}
    if payload is not None:
        message["payload"] = payload
    return message


def parse_agent_message(value: dict[str, Any]) -> AgentMessage:
    """Check what came from an agent. Everything in it is the guest's word and may be hostile.

    Raises:
        MessageError: a required key is missing or of the wrong type.
    """
    type_, session_id = value.get("type"), value.get("session_id")
    payload, request_id = value.get("payload", {}), value.get("request_id")
    if not isinstance(type_, str) or not isinstance(session_id, str):
        raise MessageError("type and session_id must be strings")
    if not isinstance(payload, dict):
        raise MessageError("payload must be an object")
    if request_id is not None and not isinstance(request_id, str):
        raise MessageError("request_id must be a string")
    return AgentMessage(type_, session_id, payload, request_id)


def parse_command(value: dict[str, Any]) -> Command:
    """Check a host's command.

    Raises:
        MessageError: a required key is missing or of the wrong type; carries the id where there is one.
    """
    id_, type_, payload = value.get("id", ""), value.get("type"), value.get("payload")
    if not isinstance(id_, str):
        raise MessageError("id must be a string")
    if not isinstance(type_, str):
        raise MessageError("type must be a string", id_ or None)
    if payload is not None and not isinstance(payload, dict):
        raise MessageError("payload must be an object", id_ or None)
    return Command(type_, id_, payload or {})
