from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from cloche.api.auditing import AuditMiddleware
from cloche.api.auth.failures import AuthFailures
from cloche.errors import JournalError
from cloche.testing.audit import NotingAudit
from cloche.testing.clock import FakeClock


class Route:
    path = "/v1/keys/{key_id}"


async def answered(audit: NotingAudit, status: int, method: str = "DELETE", **state: str) -> list[Message]:
    """What reaches the client of a route that answers so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = Route()
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope: dict[str, Any] = {"type": "http", "method": method, "client": ("192.0.2.1", 1), "state": state}
    await AuditMiddleware(app, audit, AuthFailures(audit, FakeClock(), "http"))(scope, receive, send)
    return sent


async def test_a_change_is_answered_only_once_it_is_written_down() -> None:
    audit = NotingAudit()
    assert len(await answered(audit, 200)) == 2 and audit.settled_at == [0]
    assert len(await answered(audit, 200, "GET")) == 2 and audit.settled_at == [0]
    audit.fails = JournalError("it could not be written", done=True)
    with pytest.raises(JournalError):
        await answered(audit, 200)


async def test_who_asks_for_what_is_not_allowed_is_written_down_without_ids() -> None:
    audit = NotingAudit()
    await answered(audit, 403, caller="ann")
    await answered(audit, 403)  # a page from elsewhere, say, which has no key
    (record,) = audit.records
    assert (record.kind, record.actor, record.owner, record.outcome) == ("access.denied", "ann", "ann", "denied")
    assert record.data == {"asked": "DELETE /v1/keys/{key_id}"}


async def test_who_has_no_key_is_written_down_with_the_address() -> None:
    audit = NotingAudit()
    await answered(audit, 401)
    assert audit.records[0].data["address"] == "192.0.2.1"
