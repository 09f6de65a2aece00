"""Tables, facts and what a terminal may be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.cli.output import print_facts, print_table, printable


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
