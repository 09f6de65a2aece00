"""The exception tree: each kind of failure can be told from every other by what a client sees."""

import re
from collections import Counter

import pytest

import cloche.errors
from cloche.errors import (
    BusyError,
    CallerError,
    CapacityError,
    ClocheError,
    InternalError,
    InvalidError,
    JournalError,
    NoRoomError,
    QuotaError,
    SandboxError,
    StartError,
)

# These are never raised themselves: they only say who is at fault.
FAMILIES = {ClocheError, CallerError, CapacityError, SandboxError}
GRPC_STATUSES = {
    "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED", "OUT_OF_RANGE", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL",
}  # fmt: skip


def every_class(root: type[ClocheError] = ClocheError) -> list[type[ClocheError]]:
    return [root, *(found for child in root.__subclasses__() for found in every_class(child))]


CLASSES = [cls for cls in every_class() if cls.__module__ == cloche.errors.__name__]
LEAVES = [cls for cls in CLASSES if cls not in FAMILIES]


def test_codes_tell_classes_apart() -> None:
    counted = Counter((cls.code, cls.http_status) for cls in LEAVES)
    assert not [told for told, times in counted.items() if times > 1]
    same_code = {cls for cls in LEAVES for other in LEAVES if cls.code == other.code and cls is not other}
    assert same_code == {BusyError, NoRoomError}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_class_says_what_each_door_answers(cls: type[ClocheError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", cls.code)
    assert 400 <= cls.http_status <= 599
    assert cls.grpc_status in GRPC_STATUSES


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_status_class_follows_who_is_at_fault(cls: type[ClocheError]) -> None:
    # 507 stands among the server's errors (RFC 4918, section 11.5), though it is the caller who has filled the session.
    is_callers = cls.http_status < 500 or cls.http_status == 507
    assert is_callers == (issubclass(cls, (CallerError, CapacityError)) and cls is not NoRoomError)
    assert cls.retryable == issubclass(cls, (CapacityError, SandboxError, JournalError))


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = dict(re.findall(r"(\w+Error)\s+(?:\d{3} (\w+))?", cloche.errors.__doc__ or ""))
    assert set(drawn) == {cls.__name__ for cls in CLASSES}
    statuses = dict(re.findall(r"(\w+Error)\s+(\d{3}) \w+", cloche.errors.__doc__ or ""))
    for cls in LEAVES:
        assert (drawn[cls.__name__], statuses[cls.__name__]) == (cls.code, str(cls.http_status))


def test_fields_and_reasons_are_kept_beside_the_text() -> None:
    assert InvalidError("too wide", field="viewport").fields == {"field": "viewport"}
    assert QuotaError("ten already", retry_after_s=30).retry_after_s == 30
    assert StartError("no browser", reason="chromium_missing").fields["reason"] == "chromium_missing"
    assert str(InternalError("sorry")) == "sorry"
