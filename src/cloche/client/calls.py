"""Every call of the API as a value: what to ask and how to read the answer. Pure; both clients only carry it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from cloche.client.answers import (
    AgentMetrics,
    AgentStatus,
    ExecResult,
    Health,
    Key,
    KeyPage,
    NewKey,
    Ping,
    Readiness,
    Session,
    SessionPage,
)
from cloche.client.failures import failure
from cloche.errors import InternalError

T = TypeVar("T")

Query = list[tuple[str, str]]

START_S: Final = 90.0
"""How long a session may take to start, answer included: more than the server gives it."""
EXEC_SLACK_S: Final = 30.0
"""How much longer than the program's own time the answer to `agent_exec` may take."""


class SessionOptions(TypedDict, total=False):
    """The body of a create request; each key is explained in docs/reference/rest.md."""

    engine: str
    viewport: Mapping[str, float]
    start_url: str
    locale: str
    timezone: str
    user_agent: str
    egress: Mapping[str, Any]
    budget: Mapping[str, float | str]
    idle_timeout_s: int
    lifetime_s: int
    labels: Mapping[str, str]
    action_allowed_domains: Sequence[str]
    machine: bool
    profile: Mapping[str, Any]
    private: bool
    downloads: str
    standby: Mapping[str, float]
    queue_timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request. `parse` reads the body of an answer that went well."""

    method: str
    path: str
    parse: Callable[[bytes], T]
    query: Query = field(default_factory=list)
    body: Mapping[str, Any] | None = None
    also_good: frozenset[int] = frozenset()
    """Statuses of 400 and above whose body is still an answer."""
    may_take_s: float = 0.0
    """How long the answer may take, where that is more than the client's own limit."""

    content_type: str = ""
    """Of what is sent, where it is not JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_content_type(self, content_type: str) -> "Call[T]":
        return replace(self, content_type=content_type)

    def read(self, status: int, body: bytes) -> T:
        """Raises: the ClocheError that the answer stands for."""
        if status >= 400 and status not in self.also_good:
            raise failure(status, body)
        try:
            return self.parse(body)
        except ValidationError as error:
            raise InternalError("the server's answer was not understood") from error


def create_session(options: SessionOptions, *, wait: bool) -> Call[Session]:
    query = [] if wait else [("wait", "false")]
    parse = Session.model_validate_json
    # In the queue it may wait for so long, and then it has yet to start.
    may_take_s = START_S + options.get("queue_timeout_s", 0.0)
    return Call(method="POST", path="/v1/sessions", query=query, body=options, parse=parse, may_take_s=may_take_s)


def get_session(session_id: str) -> Call[Session]:
    return Call(method="GET", path=session_path(session_id), parse=Session.model_validate_json)


def close_session(session_id: str) -> Call[Session]:
    return Call(method="DELETE", path=session_path(session_id), parse=Session.model_validate_json)


def extend_session(session_id: str, lifetime_s: int) -> Call[Session]:
    body = {"lifetime_s": lifetime_s}
    return Call(method="POST", path=session_path(session_id) + "/extend", body=body, parse=Session.model_validate_json)


def put_to_sleep(session_id: str) -> Call[Session]:
    return Call(method="POST", path=session_path(session_id) + "/sleep", parse=Session.model_validate_json)


def hibernate(session_id: str) -> Call[Session]:
    path = session_path(session_id) + "/hibernate"
    return Call(method="POST", path=path, parse=Session.model_validate_json, may_take_s=90.0)


def wake(session_id: str) -> Call[Session]:
    return Call(method="POST", path=session_path(session_id) + "/wake", parse=Session.model_validate_json)


def list_sessions(
    *, status: str | None, labels: Mapping[str, str] | None, limit: int, cursor: str | None
) -> Call[SessionPage]:
    query = [("limit", str(limit))]
    query += [("status", status)] if status is not None else []
    query += [("label", f"{name}:{value}") for name, value in (labels or {}).items()]
    query += [("cursor", cursor)] if cursor is not None else []
    return Call(method="GET", path="/v1/sessions", query=query, parse=SessionPage.model_validate_json)


def stream_events(session_id: str, after: int | None) -> Call[bytes]:
    """The answer is a stream; see `cloche.client.events`."""
    query = [("after", str(after))] if after is not None else []
    return Call(method="GET", path=session_path(session_id) + "/events", query=query, parse=bytes)


def health(session_id: str, *, fresh: bool) -> Call[Health]:
    path = session_path(session_id) + "/health"
    return Call(method="GET", path=path, query=_fresh(fresh), parse=Health.model_validate_json)


def metrics(session_id: str, *, fresh: bool) -> Call[AgentMetrics]:
    path = session_path(session_id) + "/metrics"
    return Call(method="GET", path=path, query=_fresh(fresh), parse=AgentMetrics.model_validate_json)


def agent_status(session_id: str) -> Call[AgentStatus]:
    return Call(method="GET", path=session_path(session_id) + "/agent", parse=AgentStatus.model_validate_json)


def agent_ping(session_id: str) -> Call[Ping]:
    return Call(method="GET", path=session_path(session_id) + "/agent/ping", parse=Ping.model_validate_json)


def agent_exec(
    session_id: str, *, argv: Sequence[str] | None, command: str | None, stdin: str | None, timeout_s: int
) -> Call[ExecResult]:
    body: dict[str, Any] = {"timeout_s": timeout_s}
    body |= {"argv": list(argv)} if argv is not None else {}
    body |= {"command": command} if command is not None else {}
    body |= {"stdin": stdin} if stdin is not None else {}
    return Call(
        method="POST",
        path=session_path(session_id) + "/agent/exec",
        body=body,
        parse=ExecResult.model_validate_json,
        may_take_s=timeout_s + EXEC_SLACK_S,
    )


def create_key(*, principal: str, role: str, name: str, scopes: Sequence[str]) -> Call[NewKey]:
    body = {"principal": principal, "role": role, "name": name} | ({"scopes": list(scopes)} if scopes else {})
    return Call(method="POST", path="/v1/keys", body=body, parse=NewKey.model_validate_json)


def list_keys(*, limit: int, cursor: str | None) -> Call[KeyPage]:
    query = [("limit", str(limit))] + ([("cursor", cursor)] if cursor is not None else [])
    return Call(method="GET", path="/v1/keys", query=query, parse=KeyPage.model_validate_json)


def revoke_key(key_id: str) -> Call[Key]:
    return Call(method="DELETE", path=f"/v1/keys/{quote(key_id, safe='')}", parse=Key.model_validate_json)


def readiness() -> Call[Readiness]:
    also_good = frozenset({503})
    return Call(method="GET", path="/readyz", parse=Readiness.model_validate_json, also_good=also_good)


def _fresh(fresh: bool) -> Query:
    return [("fresh", "true")] if fresh else []


def session_path(session_id: str) -> str:
    return f"/v1/sessions/{quote(session_id, safe='')}"
