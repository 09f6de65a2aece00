from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.sessions.exec_request import MAX_ARGV_BYTES, MAX_STDIN_BYTES, ExecRequest, exec_question
from cloche.wire.frames import encode_json
from cloche.wire.guest import MAX_ARGUMENTS, Verb, parse_request, read_exec


def test_arguments_reach_the_agent_as_they_are() -> None:
    argv = ("printf", "%s", "a b; rm -rf *", "'", "é\n")
    verb, fields = parse_request(encode_json(exec_question(ExecRequest(argv=argv, stdin="in", timeout_s=7)).value()))
    asked = read_exec(fields)

    assert verb is Verb.EXEC
    assert (asked.argv, asked.stdin, asked.timeout_s) == (argv, b"in", 7.0)


def test_a_command_is_the_shells_business() -> None:
    _, fields = parse_request(encode_json(exec_question(ExecRequest(command="a | b")).value()))

    assert read_exec(fields).argv == ("/bin/sh", "-c", "a | b")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "argv"),
        ({"argv": ("a",), "command": "a"}, "argv"),
        ({"argv": ()}, "argv"),
        ({"argv": ("",)}, "argv"),
        ({"argv": ("a\0b",)}, "argv"),
        ({"argv": ("a",) * (MAX_ARGUMENTS + 1)}, "argv"),
        ({"argv": ("é" * (MAX_ARGV_BYTES // 2), "x")}, "argv"),
        ({"argv": ("\ud800",)}, "argv"),
        ({"argv": ("a",), "stdin": "\udfff"}, "stdin"),
        ({"command": "a\0b"}, "command"),
        ({"command": "x" * (MAX_ARGV_BYTES + 1)}, "command"),
        ({"argv": ("a",), "stdin": "x" * (MAX_STDIN_BYTES + 1)}, "stdin"),
        ({"argv": ("a",), "timeout_s": 0}, "timeout_s"),
        ({"argv": ("a",), "timeout_s": 3601}, "timeout_s"),
    ],
)
def test_what_will_not_do_is_named(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        exec_question(ExecRequest(**request_))
    assert caught.value.fields["field"] == field


def test_the_limits_are_inclusive() -> None:
    exec_question(ExecRequest(argv=("a",) * MAX_ARGUMENTS, timeout_s=3600))
    exec_question(ExecRequest(argv=("x" * MAX_ARGV_BYTES,), stdin="y" * MAX_STDIN_BYTES, timeout_s=1))


@given(
    argv=st.none() | st.lists(st.text(max_size=20), max_size=4).map(tuple),
    command=st.none() | st.text(max_size=20),
    stdin=st.none() | st.text(max_size=20),
    timeout_s=st.integers(-2, 4000),
)
def test_what_is_let_through_the_agent_understands(
    argv: tuple[str, ...] | None, command: str | None, stdin: str | None, timeout_s: int
) -> None:
    try:
        question = exec_question(ExecRequest(argv=argv, command=command, stdin=stdin, timeout_s=timeout_s))
    except InvalidError:
        return
    _, fields = parse_request(encode_json(question.value()))
    asked = read_exec(fields)
    assert asked.argv == (argv if argv is not None else ("/bin/sh", "-c", command))
    assert asked.stdin == (stdin or "").encode()
