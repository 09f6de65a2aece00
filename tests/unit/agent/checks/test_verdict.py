import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.checks.verdict import DETAIL_CHARACTERS, MAX_JSON_DEPTH, Result, explain, judge
from cloche.agent.child import ChildOutcome
from cloche.wire.frames import encode_json

AT = "2026-01-02T03:04:05Z"


def judge_json(stdout: bytes, **how: Any) -> Result:
    return judge(ChildOutcome(**{"exit_code": 0, "stdout": stdout} | how), 10, AT, is_json=True)


@pytest.mark.parametrize(
    ("outcome", "healthy", "detail"),
    [
        (ChildOutcome(exit_code=0), True, "ok"),
        (ChildOutcome(exit_code=0, stdout=b"fine", stderr=b"a warning"), True, "ok"),
        (ChildOutcome(exit_code=7), False, "exit code 7"),
        (ChildOutcome(exit_code=7, stdout=b"said here"), False, "exit code 7"),
        (ChildOutcome(exit_code=7, stderr=b"\n\t \n"), False, "exit code 7"),
        (ChildOutcome(exit_code=7, stderr=b"  no such\ttable\nat all \n"), False, "no such table at all"),
        (ChildOutcome(exit_code=7, stderr=b"\x1b[31mred\xff\x00"), False, "\ufffd[31mred\ufffd\ufffd"),
        (ChildOutcome(signal=11), False, "killed by signal 11"),
        (ChildOutcome(signal=11, stderr=b"assertion failed"), False, "assertion failed"),
        (ChildOutcome(error="Permission denied"), False, "Permission denied"),
        (ChildOutcome(signal=9, timed_out=True, stderr=b"slow"), False, "timed out after 10 s"),
        (ChildOutcome(exit_code=0, timed_out=True), False, "timed out after 10 s"),
    ],
)
def test_health_and_detail_follow_from_how_a_command_ended(outcome: ChildOutcome, healthy: bool, detail: str) -> None:
    assert judge(outcome, 10, AT) == Result(healthy, detail, AT)


def test_a_time_is_told_without_needless_digits() -> None:
    late = ChildOutcome(signal=9, timed_out=True)
    assert [explain(late, s) for s in (1.0, 0.25, 604800.0)] == [
        "timed out after 1 s",
        "timed out after 0.2 s",
        "timed out after 604800 s",
    ]


@given(st.binary(max_size=3000) | st.text(max_size=1000).map(str.encode))
def test_a_detail_is_one_short_printable_line_whatever_a_command_says(stderr: bytes) -> None:
    detail = explain(ChildOutcome(exit_code=1, stderr=stderr), 10)
    assert 0 < len(detail) <= DETAIL_CHARACTERS
    assert detail.isprintable()
    assert detail == detail.strip()


@pytest.mark.parametrize(
    "value", [None, False, 0, -1.5, "text", "", [], {}, {"free": [1, 2, {"x": None}]}, "\u2028", 10**4000]
)
def test_one_json_value_is_passed_on(value: object) -> None:
    assert judge_json(json.dumps(value).encode() + b"\n") == Result(True, "ok", AT, True, value)


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"  ",
        b"nonsense",
        b"{} {}",
        b"{}x",
        b"{'a': 1}",
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 16_000,
        b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1),
        b"9" * 10_000,
    ],
    ids=lambda stdout: repr(stdout[:12]),
)
def test_what_is_not_exactly_one_json_value_is_unhealthy(stdout: bytes) -> None:
    assert judge_json(stdout) == Result(False, "output is not JSON", AT)


def test_json_may_be_as_deep_as_the_limit() -> None:
    stdout = b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH
    assert judge_json(stdout).healthy


def test_json_that_was_cut_is_none_even_if_the_rest_would_be() -> None:
    assert judge_json(b"12345", stdout_cut=True) == Result(False, "output is not JSON", AT)


def test_a_probe_that_fails_says_why_and_its_json_is_passed_on_all_the_same() -> None:
    assert judge_json(b'{"free": 0}', exit_code=2, stderr=b"full") == Result(False, "full", AT, True, {"free": 0})
    assert judge_json(b"nonsense", exit_code=2, stderr=b"full") == Result(False, "full", AT)
    assert judge_json(b"", exit_code=None, signal=9, timed_out=True) == Result(False, "timed out after 10 s", AT)


@given(
    st.binary(max_size=300)
    | st.from_type(str).map(str.encode)
    | st.text(alphabet='[]{}":,0.eE+-aNfInity\\u d8', max_size=60).map(str.encode)
)
def test_whatever_is_printed_our_own_encoder_takes_what_was_read(stdout: bytes) -> None:
    result = judge_json(stdout)
    assert result.healthy == result.has_output
    assert json.loads(encode_json(result.output)) == result.output
