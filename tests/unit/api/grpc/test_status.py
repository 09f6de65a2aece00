"""Errors of ours as gRPC statuses."""

from collections.abc import Iterator

import grpc
import pytest

from cloche.api.grpc.status import INTERNAL, status_of
from cloche.errors import (
    BusyError,
    ClocheError,
    GoneError,
    InvalidError,
    JournalError,
    NoRoomError,
    QuotaError,
    StartError,
)


def family(root: type[ClocheError]) -> Iterator[type[ClocheError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def example(class_: type[ClocheError]) -> ClocheError:
    return class_("what happened", reason="slug") if issubclass(class_, StartError) else class_("what happened")


@pytest.mark.parametrize("class_", list(family(ClocheError)), ids=lambda class_: class_.__name__)
def test_every_error_becomes_a_status_with_its_own_code(class_: type[ClocheError]) -> None:
    status = status_of(example(class_))
    assert status.code is grpc.StatusCode[class_.grpc_status]
    assert status.code not in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN)
    assert status.detail == "what happened"
    assert status.metadata["cloche-code"] == class_.code


@pytest.mark.parametrize("class_", [QuotaError, BusyError])
def test_capacity_errors_say_when_to_come_back(class_: type[BusyError]) -> None:
    assert status_of(class_("full", retry_after_s=7)).metadata["retry-after"] == "7"


def test_a_server_without_room_says_for_want_of_what_and_who_waits() -> None:
    error = NoRoomError("full", retry_after_s=7, reason="queue_timeout", short_of="memory", position=1, queued=0)
    status = status_of(error)
    assert status.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert status.metadata == {
        "cloche-code": "busy",
        "cloche-reason": "queue_timeout",
        "cloche-short-of": "memory",
        "cloche-position": "1",
        "cloche-queued": "0",
        "retry-after": "7",
    }


def test_reason_and_field_are_told_where_there_are_any() -> None:
    assert status_of(GoneError("over", reason="idle_timeout")).metadata == {
        "cloche-code": "session_gone",
        "cloche-reason": "idle_timeout",
    }
    assert status_of(InvalidError("bad", field="selector")).metadata["cloche-field"] == "selector"
    assert "cloche-field" not in status_of(InvalidError("bad", field=None)).metadata


def test_metadata_hold_what_metadata_may() -> None:
    told = status_of(InvalidError("bad", field="ß\r\nx: y" + "z" * 300)).metadata["cloche-field"]
    assert told.startswith("???x: yzz") and len(told) == 200


def test_what_no_one_foresaw_tells_nothing() -> None:
    assert status_of(INTERNAL).detail == "internal error"


@pytest.mark.parametrize("done", [True, False])
def test_whether_it_was_done_all_the_same_is_told(done: bool) -> None:
    status = status_of(JournalError("the audit journal is full", done=done))
    assert status.metadata["cloche-done"] == str(done).lower()
