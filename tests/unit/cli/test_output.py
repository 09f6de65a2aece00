"""Tables, facts and what a terminal may be sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.cli.output import print_facts, print_json, print_line, print_table, printable


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["ID", "NAME"], [["1", "a"], ["22222", ""]])
    assert capsys.readouterr().out == "ID     NAME\n1      a\n22222\n"


def test_an_empty_table_has_its_heads(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["ID", "NAME"], [])
    assert capsys.readouterr().out == "ID  NAME\n"


def test_facts_that_are_empty_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"id": "x", "reason": "", "browser": None, "labels": "a=b"})
    assert capsys.readouterr().out == "id      x\nlabels  a=b\n"


@given(st.text())
def test_nothing_printed_can_steer_the_terminal(text: str) -> None:
    assert printable(text).isprintable() and len(printable(text)) == len(text)


# Two halves of a surrogate pair that stand side by side are one character to every reader of JSON.
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.just("\ud800")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(json_values)
def test_json_is_the_same_document_and_cannot_steer_the_terminal_either(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("typer.echo", lines.append)
        print_json(value)
        print_line({"value": value})
    document, line = lines
    assert json.loads(document) == value and json.loads(line) == {"value": value}
    assert all(each.isprintable() for each in document.split("\n")) and line.isprintable()


def test_json_keeps_what_prints_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"é": "日本 \u202e\x9b\U000e0001"})
    assert capsys.readouterr().out == '{\n  "é": "日本 \\u202e\\u009b\\udb40\\udc01"\n}\n'


def test_a_table_can_be_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["ID"], [["1"]], indent="  ")
    assert capsys.readouterr().out == "  ID\n  1\n"
