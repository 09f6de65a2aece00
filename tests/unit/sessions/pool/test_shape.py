"""What is built into a sandbox decides whether it fits; whose options they were does not show."""

from dataclasses import Field, fields, replace
from typing import Any

import pytest

from cloche.ids import PrincipalName, ProfileId
from cloche.sandbox.spec import Engine
from cloche.sessions.model import (
    Budget,
    Downloads,
    EgressOptions,
    OnExhausted,
    ProfileUse,
    SessionOptions,
    Viewport,
)
from cloche.sessions.pool.shape import nobodys, shape_of
from cloche.sessions.resting import StandbyUse
from cloche.sessions.sandbox_spec import AgentSettings, spec_of
from cloche.testing.sessions import BUDGET, make_options, make_session

BUILT_IN: dict[str, Any] = {
    "engine": Engine.CHROME,
    "machine": True,
    "viewport": Viewport(width=800),
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "user_agent": "Robot/1",
}
APPLIED_LATER: dict[str, Any] = {
    "start_url": "https://a.example/",
    "egress": EgressOptions(allow_hosts=("a.example",)),
    "labels": {"a": "1"},
    "idle_timeout_s": 7,
    "lifetime_s": 7,
    "action_allowed_domains": ("a.example",),
    "profile": ProfileUse(id=ProfileId("prf_x")),
    "private": True,
    "downloads": Downloads.OFF,
    "standby": StandbyUse(after_s=3),
    "pool": "blue",
}


@pytest.mark.parametrize(("name", "value"), BUILT_IN.items())
def test_another_value_of_what_is_built_in_is_another_shape(name: str, value: object) -> None:
    assert shape_of(make_options(**{name: value})) != shape_of(make_options())


@pytest.mark.parametrize("field", fields(Budget), ids=lambda field: field.name)
def test_of_a_budget_only_memory_and_disk_are_built_in(field: Field[Any]) -> None:
    value = getattr(BUDGET, field.name)
    budget = replace(BUDGET, **{field.name: OnExhausted.END if field.name == "on_exhausted" else value // 2})
    is_built_in = field.name in {"memory_bytes", "disk_bytes"}
    assert (shape_of(make_options(budget=budget)) != shape_of(make_options())) == is_built_in


@pytest.mark.parametrize(("name", "value"), APPLIED_LATER.items())
def test_what_is_applied_later_is_not_part_of_it(name: str, value: object) -> None:
    assert shape_of(make_options(**{name: value})) == shape_of(make_options())


def test_every_option_is_one_or_the_other() -> None:
    known = BUILT_IN.keys() | APPLIED_LATER.keys() | {"budget", "live"}
    assert {field.name for field in fields(SessionOptions)} == known


@pytest.mark.parametrize(("name", "value"), BUILT_IN.items())
def test_sandboxes_of_one_shape_are_built_alike_but_for_start_page_and_profile(name: str, value: object) -> None:
    """The other way round: what `spec_of` makes of options depends on nothing that the shape leaves out."""
    later = {**APPLIED_LATER, "start_url": None, "profile": None, "private": False}
    session, settings = make_session(), AgentSettings()
    plain, full = make_options(**{name: value}), make_options(**{name: value, **later})

    assert spec_of(session.id, plain, "t", settings) == spec_of(session.id, full, "t", settings)


def test_what_a_sandbox_is_built_with_tells_nothing_of_who_asked_first() -> None:
    options = make_options(**APPLIED_LATER, **BUILT_IN, budget=BUDGET)
    stripped = nobodys(options)

    assert shape_of(stripped) == shape_of(options)
    for name in ("start_url", "egress", "labels", "action_allowed_domains", "profile", "private", "standby", "pool"):
        assert getattr(stripped, name) == getattr(make_options(), name), name
    assert "a.example" not in repr(stripped)
    assert PrincipalName("ann") not in repr(stripped)
