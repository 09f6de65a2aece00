import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.preface import Answer, Preface, PrefaceError, StreamKind, parse_answer, parse_preface


@given(st.sampled_from(StreamKind), st.booleans(), st.floats(0, 60))
def test_a_preface_is_understood_as_it_was_written(kind: StreamKind, passes: bool, wait_s: float) -> None:
    preface = Preface(kind, passes, wait_s)
    assert parse_preface(preface.encode().rstrip(b"\n")) == preface


@pytest.mark.parametrize(
    "answer",
    [Answer(ok=True), Answer(ok=True, devtools_path="/devtools/browser/a-1"), Answer(False, "bad_preface", "no")],
)
def test_an_answer_is_understood_as_it_was_written(answer: Answer) -> None:
    line = answer.encode()
    assert line.endswith(b"\n")
    assert parse_answer(line[:-1]) == answer


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1",
        b"[]",
        b"[" * 1000,
        b'{"stream":"files"}',
        b'{"stream":["devtools"]}',
        b'{"stream":"http","wait_s":-1}',
        b'{"stream":"http","wait_s":60.5}',
        b'{"stream":"http","wait_s":NaN}',
        b'{"stream":"http","wait_s":true}',
        b'{"stream":"http","pass":"yes"}',
        b'{"stream":"http"}' + b" " * 1024,
    ],
)
def test_a_line_that_is_no_preface_is_refused(line: bytes) -> None:
    with pytest.raises(PrefaceError):
        parse_preface(line)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_preface_or_refused(line: bytes) -> None:
    try:
        assert parse_preface(line).kind in StreamKind
    except PrefaceError as error:
        assert str(error)


def test_an_answer_of_a_hostile_agent_is_cut_to_what_a_log_can_bear() -> None:
    answer = parse_answer(b'{"ok":false,"code":"' + b"c" * 200 + b'","message":"' + b"m" * 500 + b'"}')
    assert (len(answer.code), len(answer.message)) == (64, 256)
    with pytest.raises(PrefaceError):
        parse_answer(b'{"ok":"yes"}')
