import pytest

from cloche.sessions.live.in_page import read_said, script


def test_the_script_calls_the_binding_of_its_connection() -> None:
    source = script("cloche_abc")
    assert "globalThis.cloche_abc(" in source and "globalThis.BINDING" not in source


def test_what_the_script_says_is_read() -> None:
    said = read_said('{"cursor": "text"}')
    assert said is not None and (said.cursor, said.editing, said.copied) == ("text", None, None)
    said = read_said('{"editing": true, "copied": "x", "more": 1}')
    assert said is not None and (said.editing, said.copied) == (True, "x")


@pytest.mark.parametrize("payload", ["", "{", "[]", '{"cursor": 1}', f'{{"cursor": "{"x" * 65}"}}', "[" * 100_000])
def test_whatever_else_is_said_is_nothing(payload: str) -> None:
    assert read_said(payload) is None
