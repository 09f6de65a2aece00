"""Rows, labels and documents of agents' reports, and what of a guest's output a terminal gets to see."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.cli import agent_output as shown
from cloche.errors import AgentError

PROBE = {"name": "disk", "healthy": True, "detail": "ok", "output": {"used": 42}, "checked_at": "10:00:01Z"}
FAILING = {"name": "db", "status": "error", "healthy": False, "detail": "refused", "checked_at": "10:00:02Z"}
PENDING = {"name": "new", "status": "pending", "healthy": None, "detail": None, "checked_at": None}


def report(**changes: Any) -> dict[str, Any]:
    return {
        "worker_status": "idle",
        "last_busy_at": None,
        "health_summary": {"total": 2, "healthy": 1, "summary": "1/2 ok (db)"},
        "probes": [PROBE],
        "integrations": [FAILING, PENDING],
    } | changes


class Terminal(io.TextIOWrapper):
    """A stream that says whether it is a terminal, and keeps what was written."""

    def __init__(self, *, is_one: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one

    def shows(self) -> str:
        self.seek(0)
        return self.read()


def test_a_status_document_has_the_documented_keys_and_an_inspection_the_health_too() -> None:
    assert shown.status_document("ses_1", report()) == {
        "name": "ses_1",
        "worker_status": "idle",
        "last_busy_at": None,
        "integrations": [FAILING, PENDING],
        "probes": [PROBE],
    }
    assert list(shown.inspect_document("ses_1", report())) == [
        "name",
        "worker_status",
        "last_busy_at",
        "health_summary",
        "probes",
        "integrations",
    ]


def test_one_that_does_not_answer_has_documents_of_its_own() -> None:
    error = AgentError("the agent did not answer")
    assert shown.unreachable_document("a", error) == {
        "name": "a",
        "worker_status": "unreachable",
        "error": "the agent did not answer",
    }
    assert shown.missing_document("a", error, is_starting=True)["status"] == "starting"
    assert shown.missing_document("a", error, is_starting=False) == {
        "name": "a",
        "status": "error",
        "error": "the agent did not answer",
    }


def test_a_row_says_never_for_one_that_has_not_been_busy() -> None:
    assert shown.status_row("a", report()) == ["a", "idle", "never", "1/2 ok (db)"]
    assert shown.status_row("a", report(last_busy_at="10:00Z"))[2] == "10:00Z"
    missing = shown.missing_document("a", AgentError("gone"), is_starting=False)
    assert shown.missing_row(missing) == ["a", "error", "-", "gone"]


def test_a_report_is_labels_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    shown.print_report("Session", "ses_1", report(), with_health=True)
    assert capsys.readouterr().out.splitlines() == [
        "Session        ses_1",
        "Worker status  idle",
        "Last busy      never",
        "Health         1/2 ok (db)",
        "Probes",
        "  NAME  HEALTH  DETAIL  CHECKED AT",
        "  disk  ok      ok      10:00:01Z",
        "Integrations",
        "  NAME  STATUS   HEALTH   DETAIL   CHECKED AT",
        "  db    error    failing  refused  10:00:02Z",
        "  new   pending  -        -        -",
    ]


def test_a_report_without_checks_is_labels_alone(capsys: pytest.CaptureFixture[str]) -> None:
    shown.print_report("Agent", "/run/s", report(probes=[], integrations=[]), with_health=False)
    assert capsys.readouterr().out.splitlines() == [
        "Agent          /run/s",
        "Worker status  idle",
        "Last busy      never",
    ]


def test_a_long_detail_is_cut_in_a_table() -> None:
    assert shown.cell("x" * shown.MAX_CELL) == "x" * shown.MAX_CELL
    assert shown.cell("x" * shown.MAX_CELL + "y") == "x" * (shown.MAX_CELL - 1) + "…"


@given(st.text(), st.text(), st.text())
def test_no_report_can_steer_the_terminal(name: str, detail: str, status: str) -> None:
    rows = [{"name": name, "status": status, "healthy": False, "detail": detail, "checked_at": detail}]
    health = {"total": 1, "healthy": 0, "summary": f"0/1 ok ({name})"}
    with pytest.MonkeyPatch.context() as patch:
        screen = Terminal(is_one=True)
        patch.setattr("sys.stdout", screen)
        hostile = report(worker_status=status, last_busy_at=detail, health_summary=health, probes=rows)
        shown.print_report("Session", name, hostile | {"integrations": rows}, with_health=True)
        assert all(line.isprintable() for line in screen.shows().split("\n"))


@given(st.text(st.characters()))
def test_a_terminal_is_sent_text_newlines_and_tabs_alone(text: str) -> None:
    screen = Terminal(is_one=True)
    shown.write_output(text, screen)
    assert all(c.isprintable() or c in "\n\t" for c in screen.shows())


@given(st.text())
def test_a_file_or_a_pipe_gets_it_to_the_letter(text: str) -> None:
    pipe = Terminal(is_one=False)
    shown.write_output(text, pipe)
    assert pipe.shows() == text


def test_plain_text_looks_the_same_on_a_terminal() -> None:
    assert shown.printable_lines("one\r\n\ttwo é\n") == "one\n\ttwo é\n"
    assert shown.printable_lines("\x1b[31mred\x1b[0m\rx\x9b") == "�[31mred�[0m�x�"


@pytest.mark.parametrize(("exit_code", "ours"), [(0, 0), (3, 3), (255, 255), (-1, 255), (256, 255)])
def test_an_exit_code_that_a_process_cannot_have_is_255(exit_code: int, ours: int) -> None:
    assert shown.shell_exit_code(exit_code) == ours


def test_documents_are_json_to_the_last_key() -> None:
    assert json.loads(json.dumps(shown.inspect_document("a", report())))["probes"][0]["output"] == {"used": 42}
