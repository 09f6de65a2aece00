from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import ValidationError

from cloche.browser.contract.common import MAX_TIMEOUT_MS as MOST_OF_A_REQUEST
from cloche.daemon.browser_settings import MAX_TIMEOUT_MS, BrowserSettings
from cloche.daemon.policy import ceilings, max_budget
from cloche.daemon.settings import Settings
from cloche.sessions.budget import effective_options
from cloche.sessions.model import Budget, BudgetRequest, OnExhausted, SessionRequest

BROWSER_AMOUNTS = [field.name for field in fields(Budget) if isinstance(field.default, int)]
SETTING = {"upload_bytes": "file_input_bytes"}


def settings(tmp_path: Path, **changes: object) -> Settings:
    return Settings.model_validate({"state_dir": tmp_path, "run_dir": tmp_path} | changes)


@pytest.mark.parametrize("name", BROWSER_AMOUNTS)
def test_each_amount_has_a_default_and_a_ceiling_that_can_be_set(tmp_path: Path, name: str) -> None:
    setting = SETTING.get(name, name)
    found = ceilings(settings(tmp_path, **{setting: 1234, f"max_{setting}": 2345}))
    assert getattr(found.default_budget, name) == 1234
    for asked, granted in ((None, 1234), (2000, 2000), (1 << 60, 2345)):
        options = effective_options(SessionRequest(budget=BudgetRequest(**{name: asked})), found)
        assert getattr(options.budget, name) == granted

    lowered = ceilings(settings(tmp_path, **{setting: 1234, f"max_{setting}": 1100}))
    assert getattr(lowered.default_budget, name) == 1100


@pytest.mark.parametrize("name", sorted(BrowserSettings.model_fields.keys() - {"on_exhausted"}))
@pytest.mark.parametrize("amount", [0, -1, "x", 1.5])
def test_an_amount_that_makes_no_sense_stops_the_daemon(tmp_path: Path, name: str, amount: object) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, **{name: amount})


def test_a_sessions_default_is_the_models(tmp_path: Path) -> None:
    """What sessions stored before there were such budgets are read with."""
    found = ceilings(settings(tmp_path)).default_budget

    for field in fields(Budget):
        if field.name in BROWSER_AMOUNTS or field.name == "on_exhausted":
            assert getattr(found, field.name) == field.default, field.name


def test_every_default_is_within_its_ceiling(tmp_path: Path) -> None:
    found = settings(tmp_path)
    for name in BROWSER_AMOUNTS:
        setting = SETTING.get(name, name)
        assert getattr(found, setting) <= getattr(max_budget(found), name), name


def test_the_way_a_budget_ends_can_be_set(tmp_path: Path) -> None:
    assert ceilings(settings(tmp_path, on_exhausted="end")).default_budget.on_exhausted is OnExhausted.END
    assert ceilings(settings(tmp_path, min_action_window_ms=50)).min_action_window_ms == 50
    with pytest.raises(ValidationError):
        settings(tmp_path, on_exhausted="explode")


def test_no_server_promises_more_time_than_a_request_can_ask_for() -> None:
    assert MAX_TIMEOUT_MS == MOST_OF_A_REQUEST
