from dataclasses import fields, replace

import pytest

from cloche.browser.call import Limits
from cloche.sessions.browsing.limits import limits_of
from cloche.testing.sessions import BUDGET


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_every_limit_is_the_budgets(name: str) -> None:
    asked = {"console_log_entries": "network_log_entries"}.get(name, name)

    assert getattr(limits_of(replace(BUDGET, **{asked: 77})), name) == 77


def test_defaults_agree_with_those_of_a_budget() -> None:
    assert limits_of(BUDGET) == Limits()
