import errno
import os

import pytest

from cloche.agent.machine.problem import Problem, invalid, problem_of


def told(problem: Problem) -> tuple[int, str]:
    return problem.status, problem.code


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOENT, 404, "not_found"),
        (errno.EEXIST, 409, "exists"),
        (errno.ENOTDIR, 400, "not_a_directory"),
        (errno.EACCES, 403, "not_permitted"),
        (errno.ENOSPC, 507, "storage_full"),
        (errno.EDQUOT, 507, "storage_full"),
        (errno.EMFILE, 429, "busy"),
        (errno.ETIMEDOUT, 500, "failed"),
        (errno.EIO, 500, "failed"),
    ],
)
def test_an_error_of_the_system_has_its_status_and_code(number: int, status: int, code: str) -> None:
    assert told(problem_of(OSError(number, os.strerror(number)))) == (status, code)


def test_every_error_of_the_system_is_told_without_failing() -> None:
    for number in errno.errorcode:
        problem = problem_of(OSError(number, "x"))
        assert 400 <= problem.status < 600
        assert problem.message


def test_a_request_that_stopped_coming_is_told_apart_from_one_that_was_broken_off() -> None:
    assert told(problem_of(TimeoutError())) == (408, "too_slow")
    assert told(problem_of(ConnectionError("the body was broken off"))) == (400, "broken_off")
    assert told(problem_of(OSError("no number"))) == (500, "failed")


def test_a_wrong_field_is_named() -> None:
    assert invalid("is missing", "path").fields == {"field": "path"}
    assert invalid("is no object").fields == {}
    assert str(invalid("is no object")) == "is no object"
