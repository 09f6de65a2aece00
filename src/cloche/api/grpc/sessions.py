"""The RPCs about sessions themselves, and Health."""

from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from cloche.api.deps import ApiDeps
from cloche.api.grpc.convert import fields_of, invalid
from cloche.api.grpc.door import Asked, Work
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.persistence import THEIR_NAMES, kept_body, profile_named
from cloche.api.grpc.rendering import (
    AMOUNTS,
    CHANNEL_LABEL,
    MAX_PAGE,
    add_permissions,
    add_tabs,
    created_message,
    detail_message,
    listing_message,
    page_size,
    summary_message,
)
from cloche.api.rest.schemas import SessionIn
from cloche.browser.contract.state import GetPermissionsRequest, GetPermissionsResponse
from cloche.browser.contract.tabs import ListTabsRequest, ListTabsResponse
from cloche.errors import ClocheError, InvalidError
from cloche.sessions.model import FINAL_STATUSES, Session, SessionRequest, SessionStatus

_EGRESS: Final = ("private_hosts", "allow_hosts", "deny_hosts")
_AS_IN_REST: Final = ("viewport", "engine", "start_url", "locale", "timezone", "user_agent", "action_allowed_domains")
_THEIR_NAMES: Final = {
    "idle_timeout_s": "idle_ttl_ms",
    "queue_timeout_s": "queue_timeout_ms",
    "lifetime_s": "budget.max_session_lifetime_ms",
    **{f"egress.{name}": name for name in _EGRESS},
    **THEIR_NAMES,
    **{f"budget.{ours}": f"budget.{theirs}" for theirs, ours in AMOUNTS.items()},
}


class SessionRpcs:
    """Owns nothing but the moment it was made, from which Health counts."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._manager = deps.manager
        self._clock = deps.clock
        self._began = deps.clock.monotonic()

    def works(self) -> dict[str, Work]:
        return {
            "Health": self._health,
            "CreateSession": self._create,
            "CloseSession": self._close,
            "SleepSession": self._sleep,
            "HibernateSession": self._hibernate,
            "WakeSession": self._wake,
            "ListSessions": self._list,
            "GetSession": self._get,
        }

    def with_summary(self, inspect: Work) -> Work:
        """InspectSession, which also tells what a listing does."""

        async def work(asked: Asked) -> pb.InspectSessionResponse:
            answer = await inspect(asked)
            assert isinstance(answer, pb.InspectSessionResponse)
            session = await self._manager.get(asked.principal, asked.session_id)
            answer.session.CopyFrom(summary_message(session, self._clock.now()))
            return answer

        return work

    async def _health(self, asked: Asked) -> pb.HealthResponse:
        active, cursor = 0, None
        while True:
            page = await self._manager.list(asked.principal, status=SessionStatus.READY, limit=MAX_PAGE, cursor=cursor)
            active, cursor = active + len(page.sessions), page.next_cursor
            if cursor is None:
                uptime_s = int(self._clock.monotonic() - self._began)
                return pb.HealthResponse(v=1, status="ok", uptime_seconds=uptime_s, active_sessions=active)

    async def _create(self, asked: Asked) -> pb.CreateSessionResponse:
        message: pb.CreateSessionRequest = asked.message
        request = session_request(message)
        if message.persistence_id:
            assert request.profile is not None
            profiles = self._deps.require_profiles()
            id_ = await profile_named(profiles, asked.principal, message.persistence_id)
            request = replace(request, profile=replace(request.profile, id=id_))
        try:
            created = created_message(await self._manager.create(asked.principal, request))
        except InvalidError as error:
            name = error.fields.get("field")
            renamed = {"field": _their_name(name)} if isinstance(name, str) else {}
            raise InvalidError(error.detail, **{**error.fields, **renamed}) from error
        created.persistence_id = message.persistence_id
        return created

    async def _close(self, asked: Asked) -> pb.CloseSessionResponse:
        session = await self._manager.close(asked.principal, asked.session_id)
        return pb.CloseSessionResponse(v=1, closed=session.status in FINAL_STATUSES, reason=session.reason)

    async def _sleep(self, asked: Asked) -> pb.SleepSessionResponse:
        session = await self._manager.sleep(asked.principal, asked.session_id)
        return pb.SleepSessionResponse(v=1, status=session.status)

    async def _hibernate(self, asked: Asked) -> pb.HibernateSessionResponse:
        session = await self._manager.hibernate(asked.principal, asked.session_id)
        return pb.HibernateSessionResponse(v=1, status=session.status)

    async def _wake(self, asked: Asked) -> pb.WakeSessionResponse:
        session = await self._manager.wake(asked.principal, asked.session_id)
        return pb.WakeSessionResponse(v=1, status=session.status)

    async def _list(self, asked: Asked) -> pb.ListSessionsResponse:
        message: pb.ListSessionsRequest = asked.message
        page = await self._manager.list(
            asked.principal,
            status=_wanted_status(message.status),
            limit=page_size(message.limit),
            cursor=message.cursor or None,
        )
        return listing_message(page.sessions, page.next_cursor, self._clock.now())

    async def _get(self, asked: Asked) -> pb.GetSessionResponse:
        session = await self._manager.get(asked.principal, asked.session_id)
        detail = detail_message(session, self._clock.now())
        if session.status is not SessionStatus.READY:
            return pb.GetSessionResponse(v=1, success=True, session=detail)
        error, text = await self._ask_browser(asked, session, detail)
        return pb.GetSessionResponse(v=1, success=not error, error=error, detail=text, session=detail)

    async def _ask_browser(self, asked: Asked, session: Session, detail: pb.BrowserSessionDetail) -> tuple[str, str]:
        """Fill in what only the browser knows. One that is stopped or does not answer keeps no session from sight."""
        try:
            browser = await self._manager.browser(asked.principal, session.id)
            listed = await browser.perform(asked.principal, ListTabsRequest())
            told = await browser.perform(asked.principal, GetPermissionsRequest())
        except ClocheError as error:
            return error.code, error.detail
        if listed.success and isinstance(listed, ListTabsResponse):
            add_tabs(detail, listed)
        if told.success and isinstance(told, GetPermissionsResponse):
            add_permissions(detail, told)
        failed = listed if not listed.success else told
        return failed.error, failed.detail


def session_request(message: pb.CreateSessionRequest) -> SessionRequest:
    """Read a create request, within the bounds of REST's.

    Raises:
        InvalidError: a value is out of bounds, or contradicts another; `field` names it.

    A profile that only has a name (`persistence_id`) is `active` in it, until its id is found.
    """
    asked = fields_of(message)
    if asked.get("allow_private_targets") and not asked.get("private_hosts"):
        detail = "allow_private_targets opens nothing by itself: name hosts and ports in private_hosts"
        raise InvalidError(detail, field="allow_private_targets")
    try:
        return SessionIn.model_validate(_as_rest(asked) | kept_body(message)).to_request()
    except ValidationError as error:
        raise invalid(error, _their_name) from None


def _as_rest(asked: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {name: asked[name] for name in _AS_IN_REST if name in asked}
    budget: dict[str, Any] = asked.get("budget", {})
    body["egress"] = {name: asked[name] for name in _EGRESS if name in asked}
    body["budget"] = {AMOUNTS[name]: value for name, value in budget.items() if name in AMOUNTS}
    body["labels"] = _labels(asked.get("labels", {}), asked.get("channel", ""))
    for name, amount_ms in (
        ("idle_timeout_s", asked.get("idle_ttl_ms")),
        ("lifetime_s", budget.get("max_session_lifetime_ms")),
    ):
        if amount_ms:
            body[name] = -(-amount_ms // 1000)
    if "queue_timeout_ms" in asked:
        body["queue_timeout_s"] = asked["queue_timeout_ms"] / 1000
    return body


def _labels(labels: dict[str, str], channel: str) -> dict[str, str]:
    if not channel:
        return labels
    if labels.get(CHANNEL_LABEL, channel) != channel:
        raise InvalidError("channel and the label of that name differ", field="channel")
    return {**labels, CHANNEL_LABEL: channel}


def _their_name(name: str) -> str:
    """REST's name of a field as the one of the message: `egress.private_hosts.0` is `private_hosts.0`."""
    known = next((each for each in _THEIR_NAMES if name == each or name.startswith(f"{each}.")), None)
    return name if known is None else _THEIR_NAMES[known] + name.removeprefix(known)


def _wanted_status(text: str) -> SessionStatus | None:
    if text == "any":
        return None
    try:
        return SessionStatus(text) if text else SessionStatus.READY
    except ValueError:
        raise InvalidError("status: no session has such a status", field="status") from None
