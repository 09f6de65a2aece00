"""What an agent says over the guest protocol of itself and its machine, checked and made fit to be handed on. Pure.

A guest wrote every field. Texts are cut and made printable; what has the wrong type, is nested too deeply or cannot be
carried by JSON is left out; what is no answer to the question at all is an AgentError. Only the output of a probe and
of Exec is the guest's own to the letter: whoever shows it on a terminal must take care of control characters.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from cloche.errors import AgentError
from cloche.wire.guest import Answer, Tagged, Verb
from cloche.wire.messages import Payload, WorkerStatus

REPORT_REQUESTS: Final = (Tagged(Verb.WORKER_STATUS), Tagged(Verb.PROBE_STATUS), Tagged(Verb.INTEGRATION_STATUS))
"""What `read_report` needs the answers to, in this order."""
MAX_ROWS: Final = 256
"""Of probes, and of integrations; further ones are left out."""
MAX_DEPTH: Final = 16
"""Of a probe's output; a deeper one is left out."""
MAX_NAME: Final = 128
MAX_DETAIL: Final = 1024
MAX_SUMMARY_NAMES: Final = 8

_INTEGER_LIMIT: Final = 2**63
_NOT_UNDERSTOOD: Final = "the agent's answer was not understood"


class ExecResult(NamedTuple):
    exit_code: int
    """-1 for a program that a signal ended, that outlived its time or could not be started."""
    stdout: str
    stderr: str


def read_report(answers: Sequence[Tagged]) -> Payload:
    """Make the answers to `REPORT_REQUESTS` into one document.

    `{worker_status, last_busy_at, health_summary {total, healthy, summary}, probes, integrations}`. A probe is
    `{name, healthy, detail, output, checked_at}`; an integration `{name, status, healthy, detail, checked_at}` with
    null for the last three until it was first checked.

    Raises:
        AgentError: one of them is an `Error`, or answers something else.
    """
    worker, probe_status, integration_status = answers
    status = expect(worker, Answer.WORKER_STATUS)
    probes = [_probe(row) for row in _rows(expect(probe_status, Answer.PROBE_STATUS_REPORT), "probes")]
    reports = expect(integration_status, Answer.INTEGRATION_STATUS_REPORT)
    integrations = [_integration(row) for row in _rows(reports, "integrations")]
    return {
        "worker_status": _worker_status(status.get("status")),
        "last_busy_at": _text(status.get("last_busy_at"), MAX_NAME) or None,
        "health_summary": summarise([*probes, *integrations]),
        "probes": probes,
        "integrations": integrations,
    }


def read_exec_result(answer: Tagged) -> ExecResult:
    """Raises: AgentError when the answer is an `Error` or no result."""
    fields = expect(answer, Answer.EXEC_RESULT)
    exit_code, stdout, stderr = fields.get("exit_code"), fields.get("stdout"), fields.get("stderr")
    if isinstance(exit_code, bool) or not isinstance(exit_code, int):
        raise AgentError(_NOT_UNDERSTOOD)
    if not isinstance(stdout, str) or not isinstance(stderr, str):
        raise AgentError(_NOT_UNDERSTOOD)
    return ExecResult(max(-1, min(exit_code, 255)), _carried(stdout), _carried(stderr))


def read_sleep_ack(answer: Tagged) -> tuple[bool, str]:
    """Whether it is ready to be stopped, and what it says of it, as one printable line.

    Raises: AgentError when the answer is an `Error` or something else.
    """
    fields = expect(answer, Answer.SLEEP_PREP_ACK)
    return fields.get("success") is True, _text(fields.get("detail"), MAX_DETAIL)


def expect(answer: Tagged, tag: Answer) -> Payload:
    """Return the fields of an answer with this tag.

    Raises:
        AgentError: it has another. Of an `Error` the agent's own words are told, as printable text.
    """
    if answer.tag == tag:
        return answer.fields
    message = answer.fields.get("message")
    if answer.tag in (Answer.ERROR, Answer.MISMATCH) and isinstance(message, str):
        raise AgentError(f"the agent refused: {_text(message, MAX_DETAIL)}")
    raise AgentError(f"the agent answered something else: {_text(answer.tag, MAX_NAME)}")


def summarise(checks: Sequence[Payload]) -> Payload:
    """Count the checks that have run: `summary` is `k/n ok`, with the names of those that fail; `-` for none."""
    known = [check for check in checks if check["healthy"] is not None]
    failing = [check["name"] for check in known if not check["healthy"]]
    healthy = len(known) - len(failing)
    summary = f"{healthy}/{len(known)} ok" if known else "-"
    if failing:
        named = failing[:MAX_SUMMARY_NAMES] + ["…"] * (len(failing) > MAX_SUMMARY_NAMES)
        summary += f" ({', '.join(named)})"
    return {"total": len(known), "healthy": healthy, "summary": summary}


def _probe(row: Payload) -> Payload:
    return {
        "name": _text(row.get("name"), MAX_NAME),
        "healthy": row.get("healthy") is True,
        "detail": _text(row.get("detail"), MAX_DETAIL),
        "output": _output(row.get("output")),
        "checked_at": _text(row.get("checked_at"), MAX_NAME),
    }


def _integration(row: Payload) -> Payload:
    status, health = row.get("status"), row.get("health")
    failure = status.get("error") if isinstance(status, dict) else None
    shown: Payload = {
        "name": _text(row.get("name"), MAX_NAME),
        "status": "error" if failure is not None else _text(status, MAX_NAME),
    }
    if not isinstance(health, dict):
        return shown | {"healthy": None, "detail": _text(failure, MAX_DETAIL) or None, "checked_at": None}
    return shown | {
        "healthy": health.get("healthy") is True,
        "detail": _text(health.get("detail"), MAX_DETAIL),
        "checked_at": _text(health.get("checked_at"), MAX_NAME),
    }


def _rows(fields: Payload, name: str) -> list[Payload]:
    rows = fields.get(name)
    if not isinstance(rows, list):
        raise AgentError(_NOT_UNDERSTOOD)
    return [row for row in rows[:MAX_ROWS] if isinstance(row, dict)]


def _worker_status(value: object) -> str:
    return str(value) if value in tuple(WorkerStatus) else WorkerStatus.UNKNOWN.value


def _text(value: object, limit: int) -> str:
    """One printable line: white space becomes a space, what else does not print `�`. Nothing for what is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in value[:limit])


def _carried(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _output(value: object) -> Any:
    try:
        return _carried_json(value, MAX_DEPTH)
    except ValueError:
        return None


def _carried_json(value: object, depth: int) -> Any:
    """Copy a JSON value. Raises ValueError where it is too deep or holds a number that not every reader can take."""
    if depth < 0:
        raise ValueError("too deep")
    if isinstance(value, str):
        return _carried(value)
    if isinstance(value, list):
        return [_carried_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_carried(name): _carried_json(item, depth - 1) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    if isinstance(value, int) and not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise ValueError("too large")
    return value
