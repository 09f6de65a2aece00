from datetime import UTC, datetime, timedelta, timezone

import pytest

from cloche.wire.messages import (
    AgentMessage,
    Command,
    FromAgent,
    MessageError,
    ToAgent,
    agent_message,
    command,
    parse_agent_message,
    parse_command,
)

NOON = datetime(2026, 1, 2, 12, 0, 0, 5000, tzinfo=UTC)


def test_an_agents_message_has_the_documented_envelope() -> None:
    message = agent_message(FromAgent.HEARTBEAT, "s", NOON.astimezone(timezone(timedelta(hours=2))), {"pid": 1})
    assert message == {
        "type": "heartbeat",
        "session_id": "s",
        "timestamp": "2026-01-02T12:00:00.005000Z",
        "payload": {"pid": 1},
    }
    assert agent_message("x", "s", NOON, request_id="r")["request_id"] == "r"


def test_what_is_built_is_understood_on_the_other_side() -> None:
    built = agent_message(FromAgent.METRICS_RESPONSE, "s", NOON, {"a": 1}, "r")
    assert parse_agent_message(built) == AgentMessage("metrics_response", "s", {"a": 1}, "r")
    assert parse_command(command(ToAgent.LEASE, "c", {"ttl_s": 1})) == Command("lease", "c", {"ttl_s": 1})
    assert parse_command({"type": "shutdown"}) == Command("shutdown", "")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"type": 1, "session_id": "s"},
        {"type": "x"},
        {"type": "x", "session_id": "s", "payload": []},
        {"type": "x", "session_id": "s", "request_id": 5},
    ],
)
def test_an_envelope_that_is_none_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        parse_agent_message(value)


@pytest.mark.parametrize(
    ("value", "request_id"),
    [({"id": 1, "type": "x"}, None), ({"id": "c", "type": 1}, "c"), ({"id": "c", "type": "x", "payload": 1}, "c")],
)
def test_a_command_that_is_none_is_refused_by_its_id(value: dict[str, object], request_id: str | None) -> None:
    with pytest.raises(MessageError) as refusal:
        parse_command(value)
    assert refusal.value.request_id == request_id
