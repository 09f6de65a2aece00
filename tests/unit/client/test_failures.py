"""Problems back to errors."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.problem import problem_of
from cloche.client.failures import failure
from cloche.errors import (
    AgentError,
    BusyError,
    ClocheError,
    InternalError,
    InvalidError,
    NoRoomError,
    SandboxError,
    StartError,
)


def family(root: type[ClocheError]) -> Iterator[type[ClocheError]]:
    """Those that doors tell apart: a concern may have its own below one of them."""
    if root.__module__ == ClocheError.__module__:
        yield root
    for child in root.__subclasses__():
        yield from family(child)


@pytest.mark.parametrize("class_", list(family(ClocheError)), ids=lambda class_: class_.__name__)
def test_every_error_comes_back_as_what_it_was(class_: type[ClocheError]) -> None:
    error = (
        class_("what happened", reason="slug") if issubclass(class_, StartError) else class_("what happened", field="x")
    )
    back = failure(class_.http_status, problem_of(error).encode())
    assert isinstance(back, class_) and back.code == class_.code and back.detail == "what happened"
    if not issubclass(class_, StartError):
        assert back.fields["field"] == "x"


def test_when_to_come_back_survives_the_journey() -> None:
    back = failure(429, problem_of(BusyError("full", retry_after_s=11)).encode())
    assert type(back) is BusyError and back.retry_after_s == 11


def test_a_server_without_room_says_for_want_of_what_and_who_waits() -> None:
    told = problem_of(NoRoomError("full", retry_after_s=7, reason="memory", queued=3, position=4))
    back = failure(told.status, told.encode())
    assert isinstance(back, NoRoomError) and back.retry_after_s == 7
    assert back.fields == {"reason": "memory", "queued": 3, "position": 4}


@pytest.mark.parametrize(
    ("status", "class_"),
    [(400, InvalidError), (418, InvalidError), (500, InternalError), (502, AgentError), (504, SandboxError)],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":"from the future"}'])
def test_an_answer_of_another_kind_becomes_the_nearest_family(
    status: int, class_: type[ClocheError], body: bytes
) -> None:
    assert isinstance(failure(status, body), class_)


@given(st.integers(400, 599), st.binary(max_size=100))
def test_any_answer_becomes_some_error(status: int, body: bytes) -> None:
    assert isinstance(failure(status, body), ClocheError)
