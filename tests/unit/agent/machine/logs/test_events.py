import json

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.logs.events import beginning, gap_event, line_event, timestamp


@given(st.text(), st.booleans())
def test_whatever_a_line_holds_it_is_one_event_and_comes_out_as_it_was(text: str, is_partial: bool) -> None:
    event = line_event("now", text, "1-2-3-4", is_partial=is_partial)
    assert event.isascii()
    id_line, data_line, *rest = event.split("\n")
    assert (id_line, rest) == ("id: 1-2-3-4", ["", ""])
    partial = {"partial": True} if is_partial else {}
    assert json.loads(data_line.removeprefix("data: ")) == {"timestamp": "now", "message": text} | partial


def test_a_gap_has_no_id() -> None:
    assert gap_event(missed_lines=3) == 'data: {"event":"gap","missed_lines":3}\n\n'


def test_a_beginning_is_an_id_alone() -> None:
    assert beginning("7") == "id: 7\n\n"


def test_times_are_utc_with_milliseconds() -> None:
    assert timestamp(1.5) == "1970-01-01T00:00:01.500Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
