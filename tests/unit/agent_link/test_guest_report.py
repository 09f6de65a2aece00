"""What agents say of their machines, and what is made of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent_link.guest_report import (
    MAX_DEPTH,
    MAX_DETAIL,
    MAX_NAME,
    MAX_ROWS,
    MAX_SUMMARY_NAMES,
    REPORT_REQUESTS,
    expect,
    read_exec_result,
    read_report,
    summarise,
)
from cloche.errors import AgentError
from cloche.testing.guest_peer import WORKING
from cloche.wire.guest import Answer, Tagged, parse_tagged

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=20,
)


def answers(**changes: Any) -> list[Tagged]:
    """The three answers that a report is made of; a change replaces one's fields."""
    said = [parse_tagged(json.dumps(WORKING[request.tag]).encode()) for request in REPORT_REQUESTS]
    return [Tagged(answer.tag, changes.get(answer.tag, answer.fields)) for answer in said]


def probe(**changes: Any) -> dict[str, Any]:
    return {"name": "disk", "healthy": True, "detail": "ok", "checked_at": "10:00:00Z"} | changes


def read_probe(**changes: Any) -> dict[str, Any]:
    (row,) = read_report(answers(ProbeStatusReport={"probes": [probe(**changes)]}))["probes"]
    assert isinstance(row, dict)
    return row


def read_integration(**fields: Any) -> dict[str, Any]:
    (row,) = read_report(answers(IntegrationStatusReport={"integrations": [{"name": "db"} | fields]}))["integrations"]
    assert isinstance(row, dict)
    return row


def test_three_answers_become_one_document() -> None:
    assert read_report(answers()) == {
        "worker_status": "busy",
        "last_busy_at": "2026-03-14T10:00:00Z",
        "health_summary": {"total": 3, "healthy": 2, "summary": "2/3 ok (swap)"},
        "probes": [
            {"name": "disk", "healthy": True, "detail": "ok", "output": {"used": 42}, "checked_at": "10:00:01Z"},
            {"name": "swap", "healthy": False, "detail": "exit code 1", "output": None, "checked_at": "10:00:02Z"},
        ],
        "integrations": [
            {"name": "db", "status": "active", "healthy": True, "detail": "ok", "checked_at": "10:00:03Z"},
            {"name": "new", "status": "pending", "healthy": None, "detail": None, "checked_at": None},
        ],
    }


def test_an_integration_that_fails_says_so_and_why() -> None:
    health = {"healthy": False, "detail": "refused", "checked_at": "10:00:00Z"}
    row = read_integration(status={"error": "refused"}, health=health)
    assert row == {"name": "db", "status": "error", **health}
    assert read_integration(status={"error": "gone"}, health=None)["detail"] == "gone"


def test_what_has_not_been_checked_is_neither_well_nor_failing() -> None:
    unchecked = {"name": "a", "healthy": None}
    assert summarise([unchecked]) == {"total": 0, "healthy": 0, "summary": "-"}
    assert summarise([unchecked, {"name": "b", "healthy": True}])["summary"] == "1/1 ok"


def test_a_summary_names_only_so_many_that_fail() -> None:
    failing = [{"name": f"c{n}", "healthy": False} for n in range(MAX_SUMMARY_NAMES + 1)]
    assert summarise(failing)["summary"].endswith(f", c{MAX_SUMMARY_NAMES - 1}, …)")


@pytest.mark.parametrize("status", ["IDLE", "", None, 7, ["idle"], {"a": 1}])
def test_a_status_that_there_is_not_is_unknown(status: object) -> None:
    report = read_report(answers(WorkerStatus={"status": status, "last_busy_at": status}))
    assert report["worker_status"] == "unknown"
    assert report["last_busy_at"] == ("IDLE" if status == "IDLE" else None)


def test_only_true_is_healthy() -> None:
    assert [read_probe(healthy=value)["healthy"] for value in (True, False, 1, "true", None)] == [True, *[False] * 4]


def test_texts_are_cut_and_steer_no_terminal() -> None:
    row = read_probe(name="a\x1b[2J\u202eb\ud800", detail="one\ntwo\r\n" + "x" * 2 * MAX_DETAIL, checked_at="x" * 999)
    assert row["name"] == "a�[2J�b�"
    assert row["detail"].startswith("one two  x") and len(row["detail"]) == MAX_DETAIL
    assert len(row["checked_at"]) == MAX_NAME


def test_of_endless_rows_the_first_are_told() -> None:
    rows = [probe(name=str(n)) for n in range(MAX_ROWS + 5)] + [None, 7]
    told = read_report(answers(ProbeStatusReport={"probes": rows}))["probes"]
    assert [row["name"] for row in told] == [str(n) for n in range(MAX_ROWS)]


def test_an_output_that_cannot_be_handed_on_is_left_out() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    for output in (deep, float("inf"), {"a": float("nan")}, 2**63, [-(2**63) - 1]):
        assert read_probe(output=output)["output"] is None
    assert read_probe(output=deep[0])["output"] == deep[0]
    assert read_probe(output={"\ud800": "\udfff", "n": 2**63 - 1})["output"] == {"?": "?", "n": 2**63 - 1}


@pytest.mark.parametrize(
    "answer",
    [
        Tagged(Answer.PONG),
        Tagged(Answer.ERROR, {"message": "unknown verb"}),
        Tagged(Answer.PROBE_STATUS_REPORT),
        Tagged(Answer.PROBE_STATUS_REPORT, {"probes": {}}),
    ],
    ids=str,
)
def test_another_answer_is_no_report(answer: Tagged) -> None:
    worker, _, integrations = answers()
    with pytest.raises(AgentError):
        read_report([worker, answer, integrations])


def test_a_refusal_is_told_in_the_agents_words_as_one_line() -> None:
    for tag in (Answer.ERROR, Answer.MISMATCH):
        with pytest.raises(AgentError, match=r"^the agent refused: no� exec$"):
            expect(Tagged(tag, {"message": "no\x1b\nexec"}), Answer.EXEC_RESULT)
    with pytest.raises(AgentError, match=r"something else: Odd�$"):
        expect(Tagged("Odd\x07", {"message": "x"}), Answer.EXEC_RESULT)
    with pytest.raises(AgentError, match=r"something else: Error$"):
        expect(Tagged(Answer.ERROR, {"message": 7}), Answer.EXEC_RESULT)


def test_the_result_of_a_program_is_kept_to_the_letter() -> None:
    fields = {"exit_code": 3, "stdout": "\x1b[1mbold\r\n", "stderr": "\ud800"}
    assert read_exec_result(Tagged(Answer.EXEC_RESULT, fields)) == (3, "\x1b[1mbold\r\n", "?")


@pytest.mark.parametrize(("said", "read"), [(-1, -1), (0, 0), (255, 255), (256, 255), (-(2**40), -1)])
def test_an_exit_code_is_brought_to_where_exit_codes_are(said: int, read: int) -> None:
    result = read_exec_result(Tagged(Answer.EXEC_RESULT, {"exit_code": said, "stdout": "", "stderr": ""}))
    assert result.exit_code == read


@pytest.mark.parametrize(
    "change", [{"exit_code": True}, {"exit_code": "0"}, {"stdout": None}, {"stderr": [1]}], ids=str
)
def test_a_result_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AgentError):
        read_exec_result(Tagged(Answer.EXEC_RESULT, {"exit_code": 0, "stdout": "", "stderr": ""} | change))


@given(st.lists(json_values, min_size=3, max_size=3))
def test_whatever_an_agent_says_the_document_is_sound(fields: list[Any]) -> None:
    said = [
        Tagged(tag, {name: value})
        for (tag, name), value in zip(
            [("WorkerStatus", "status"), ("ProbeStatusReport", "probes"), ("IntegrationStatusReport", "integrations")],
            fields,
            strict=True,
        )
    ]
    try:
        report = read_report(said)
    except AgentError:
        return
    assert json.loads(json.dumps(report, ensure_ascii=False, allow_nan=False).encode()) == report


@given(
    st.dictionaries(
        st.sampled_from(["name", "healthy", "detail", "output", "checked_at", "status", "health"]), json_values
    )
)
def test_whatever_is_in_a_row_it_is_sound(row: dict[str, Any]) -> None:
    report = read_report(
        answers(ProbeStatusReport={"probes": [row]}, IntegrationStatusReport={"integrations": [row]}),
    )
    assert json.loads(json.dumps(report, ensure_ascii=False, allow_nan=False).encode()) == report
    for each in (*report["probes"], *report["integrations"]):
        shown = [each[key] for key in ("name", "detail", "checked_at", "status") if key in each]
        assert all(text is None or text.isprintable() for text in shown)
        assert each["healthy"] in (True, False, None)
