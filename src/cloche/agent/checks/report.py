"""Reports on integrations and probes: keys, order and values of the published protocol."""

from typing import NamedTuple

from cloche.agent.checks.verdict import Result
from cloche.wire.messages import Payload


class IntegrationState(NamedTuple):
    """What is known of an integration besides its definition."""

    result: Result | None
    has_command: bool
    is_in_grace: bool
    is_paused: bool
    last_checkpoint_at: str | None
    state_size_bytes: int


def integration_report(name: str, state: IntegrationState) -> Payload:
    result = state.result
    health = None
    if result is not None:
        health = {"healthy": result.healthy, "detail": result.detail, "checked_at": result.checked_at}
    return {
        "name": name,
        "status": _status(state),
        "last_checkpoint_at": state.last_checkpoint_at,
        "state_size_bytes": state.state_size_bytes,
        "health": health,
    }


def probe_report(name: str, result: Result) -> Payload:
    output = {"output": result.output} if result.has_output else {}
    return (
        {"name": name, "healthy": result.healthy, "detail": result.detail} | output | {"checked_at": result.checked_at}
    )


def _status(state: IntegrationState) -> str | Payload:
    if not state.has_command:
        return "pending"
    if state.result is not None and state.result.healthy:
        return "paused" if state.is_paused else "active"
    if state.is_in_grace:
        return "starting"
    return {"error": state.result.detail} if state.result is not None else "pending"
