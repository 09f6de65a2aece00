"""The calls of the audit journal as values. Pure."""

from datetime import datetime
from typing import TypedDict

from cloche.client.audit_answers import AuditPage, Verified
from cloche.client.calls import Call, Query

VERIFY_TIMEOUT_S = 3600.0
"""A long journal takes minutes to follow."""


class AuditFilter(TypedDict, total=False):
    """What is wanted; `kind` is a kind or, with a dot at its end, the beginning of some."""

    kind: str
    actor: str
    session_id: str
    subject: str
    since: datetime
    until: datetime


def list_events(wanted: AuditFilter, *, limit: int, cursor: str | None, after: int | None) -> Call[AuditPage]:
    query = [("limit", str(limit)), *_terms(wanted)]
    query += [("cursor", cursor)] if cursor is not None else []
    query += [("after", str(after))] if after is not None else []
    return Call(method="GET", path="/v1/audit", query=query, parse=AuditPage.model_validate_json)


def export(wanted: AuditFilter) -> Call[bytes]:
    """The answer is a stream of lines."""
    return Call(method="GET", path="/v1/audit/export", query=_terms(wanted), parse=bytes)


def verify() -> Call[Verified]:
    return Call(method="POST", path="/v1/audit/verify", parse=Verified.model_validate_json, may_take_s=VERIFY_TIMEOUT_S)


def _terms(wanted: AuditFilter) -> Query:
    terms = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in wanted.items()}
    return [(name, str(value)) for name, value in terms.items() if value is not None]
