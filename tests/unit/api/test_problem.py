"""Errors of ours as RFC 9457 problem details."""

import json
from collections.abc import Iterator

import pytest

from cloche.api.problem import problem_of
from cloche.errors import (
    BusyError,
    ClocheError,
    GoneError,
    InvalidError,
    JournalError,
    NoRoomError,
    QuotaError,
    StartError,
    UnauthenticatedError,
)


def family(root: type[ClocheError]) -> Iterator[type[ClocheError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def example(class_: type[ClocheError]) -> ClocheError:
    return class_("what happened", reason="slug") if issubclass(class_, StartError) else class_("what happened")


@pytest.mark.parametrize("class_", list(family(ClocheError)), ids=lambda class_: class_.__name__)
def test_every_error_becomes_a_problem_with_its_own_code_and_status(class_: type[ClocheError]) -> None:
    problem = problem_of(example(class_))
    body = json.loads(problem.encode())
    assert problem.status == body["status"] == class_.http_status
    assert body["code"] == class_.code and body["type"] == f"urn:cloche:problem:{class_.code}"
    assert body["detail"] == "what happened" and body["retryable"] is class_.retryable
    assert 400 <= problem.status < 600


@pytest.mark.parametrize("class_", [QuotaError, BusyError])
def test_capacity_errors_say_when_to_come_back(class_: type[BusyError]) -> None:
    problem = problem_of(class_("full", retry_after_s=7))
    assert problem.headers["retry-after"] == "7" and problem.body["retry_after_s"] == 7


def test_a_server_without_room_is_a_503_that_says_for_want_of_what_and_who_waits() -> None:
    problem = problem_of(
        NoRoomError("full", retry_after_s=7, reason="queue_full", short_of="pids", position=9, queued=8)
    )
    assert (problem.status, problem.headers["retry-after"], problem.body["code"]) == (503, "7", "busy")
    told = {name: problem.body[name] for name in ("reason", "short_of", "position", "queued", "retryable")}
    assert told == {"reason": "queue_full", "short_of": "pids", "position": 9, "queued": 8, "retryable": True}


def test_a_missing_credential_is_answered_with_how_to_send_one() -> None:
    assert problem_of(UnauthenticatedError("who?")).headers["www-authenticate"] == "Bearer"


def test_fields_of_an_error_are_told_but_cannot_change_what_the_problem_is() -> None:
    body = problem_of(GoneError("over", reason="idle_timeout", status=200, code="fine")).body
    assert body["reason"] == "idle_timeout" and body["status"] == 410 and body["code"] == "session_gone"


def test_what_is_wrong_field_by_field_is_listed() -> None:
    wrong = [{"field": "a", "message": "no"}]
    assert problem_of(InvalidError("bad"), wrong).body["errors"] == wrong


@pytest.mark.parametrize("done", [True, False])
def test_what_was_done_already_is_not_to_be_sent_again(done: bool) -> None:
    assert problem_of(JournalError("the audit journal is full", done=done)).body["retryable"] is not done
