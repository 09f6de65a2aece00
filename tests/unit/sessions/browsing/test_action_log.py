from dataclasses import replace
from datetime import timedelta

from cloche.browser.contract.logs import ActionLogRequest
from cloche.sessions.browsing.action_log import MAX_ERROR_CHARS, MAX_SELECTOR_CHARS, MAX_URL_CHARS, Action, ActionLog
from cloche.testing.sessions import NOON

CLICK = Action(
    name="click",
    selector="#save",
    outcome="ok",
    error="",
    started_at=NOON,
    ended_at=NOON + timedelta(milliseconds=250),
    attempts=1,
    page_url="https://shop.test/cart",
    tab_id="T1",
    principal="ann",
)


def test_an_entry_tells_who_did_what_where_and_how_it_ended() -> None:
    entry = ActionLog(5).add(replace(CLICK, outcome="covered", error="a dialog is above it"))

    assert entry.action_id.startswith("act_") and len(entry.action_id) == 30
    assert (entry.action_name, entry.selector, entry.page_url) == ("click", "#save", "https://shop.test/cart")
    assert (entry.success, entry.outcome, entry.error) == (False, "covered", "a dialog is above it")
    assert entry.completed_at_unix_ms - entry.started_at_unix_ms == 250
    assert (entry.attempts, entry.tab_id, entry.principal) == (1, "T1", "ann")


def test_secrets_are_taken_out_and_what_is_long_is_cut() -> None:
    entry = ActionLog(5).add(
        replace(
            CLICK,
            selector="x" * 5000,
            outcome="timeout",
            error="password=hunter2 " + "e" * 5000,
            page_url="https://ann:pw@shop.test/?token=hunter2#part" + "p" * 5000,
        )
    )

    assert "hunter2" not in repr(entry) and "pw@" not in repr(entry)
    assert len(entry.selector) <= MAX_SELECTOR_CHARS
    assert len(entry.error) <= MAX_ERROR_CHARS
    assert len(entry.page_url) <= MAX_URL_CHARS


def test_the_newest_are_kept_and_the_rest_counted() -> None:
    log = ActionLog(3)
    for number in range(5):
        log.add(replace(CLICK, selector=f"#{number}"))

    answer = log.answer(ActionLogRequest())
    assert [entry.selector for entry in answer.entries] == ["#2", "#3", "#4"]
    assert (answer.dropped, answer.truncated) == (2, False)


def test_of_more_than_asked_for_the_newest_are_told() -> None:
    log = ActionLog(9)
    for number in range(5):
        log.add(replace(CLICK, selector=f"#{number}", outcome="ok" if number % 2 else "covered"))

    answer = log.answer(ActionLogRequest(limit=2))
    assert ([entry.selector for entry in answer.entries], answer.truncated) == (["#3", "#4"], True)
    failed = log.answer(ActionLogRequest(limit=3, failed_only=True))
    assert ([entry.selector for entry in failed.entries], failed.truncated) == (["#0", "#2", "#4"], False)
    assert [entry.selector for entry in log.read(1)[0]] == ["#4"]
    assert len(log.read()[0]) == 5 and not log.read(5)[1]
