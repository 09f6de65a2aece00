"""What may come in as a session request."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from cloche.api.rest.render import masked_upstream
from cloche.api.rest.schemas import BudgetIn, BudgetOut, SessionIn
from cloche.sandbox.spec import Engine
from cloche.sessions.model import Budget, BudgetRequest, SessionRequest, Viewport

REFUSED = [
    {"unknown": 1},
    {"engine": "firefox"},
    {"engine": 1},
    {"viewport": {"width": "800"}},
    {"viewport": {"width": 800.5}},
    {"viewport": {"width": True}},
    {"viewport": {"width": 15}},
    {"viewport": {"depth": 1}},
    {"viewport": {"device_scale_factor": float("nan")}},
    {"viewport": {"device_scale_factor": float("inf")}},
    {"viewport": None},
    {"start_url": "javascript:alert(1)"},
    {"start_url": "file:///etc/passwd"},
    {"start_url": "http://a b"},
    {"start_url": "http://a\n"},
    {"locale": "../x"},
    {"locale": "de-DE\n"},
    {"timezone": "../../etc"},
    {"user_agent": "a\r\nb"},
    {"egress": {"allow_hosts": "example.com"}},
    {"egress": {"allow_hosts": ["a b"]}},
    {"egress": {"allow_hosts": ["a"] * 257}},
    {"egress": {"max_bytes": 0}},
    {"budget": {"cpu_cores": 0}},
    {"budget": {"memory_bytes": -1}},
    {"idle_timeout_s": 0},
    {"lifetime_s": "60"},
    {"labels": {"a": 1}},
    {"labels": {"": "x"}},
    {"labels": {"a b": "x"}},
    {"budget": {"actions": 0}},
    {"budget": {"navigation_timeout_ms": 1.5}},
    {"budget": {"on_exhausted": "explode"}},
    {"action_allowed_domains": ["a b"]},
    {"action_allowed_domains": "a.test"},
    {"labels": {"a": "x\n"}},
    {"labels": {f"l{number}": "" for number in range(33)}},
]


@pytest.mark.parametrize("body", REFUSED, ids=str)
def test_what_is_unknown_mistyped_or_out_of_bounds_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SessionIn.model_validate(body)


def test_nothing_asked_is_the_default_request() -> None:
    assert SessionIn().to_request() == SessionRequest()


def test_everything_asked_reaches_the_request() -> None:
    body = {
        "engine": "chrome",
        "viewport": {"width": 800, "height": 600, "device_scale_factor": 2},
        "start_url": "https://example.com/?a=1",
        "locale": "de-AT",
        "timezone": "Europe/Vienna",
        "user_agent": "Mine/1.0",
        "egress": {"allow_hosts": ["*.example.com"], "private_hosts": ["127.0.0.1:8000"], "max_bytes": 5},
        "budget": {"memory_bytes": 1 << 29, "cpu_cores": 0.5},
        "idle_timeout_s": 60,
        "lifetime_s": 600,
        "labels": {"team": "blue", "empty": ""},
    }
    request = SessionIn.model_validate(body).to_request()
    assert request.engine is Engine.CHROME and request.viewport == Viewport(
        width=800, height=600, device_scale_factor=2
    )
    assert request.start_url == "https://example.com/?a=1" and request.user_agent == "Mine/1.0"
    assert (request.locale, request.timezone) == ("de-AT", "Europe/Vienna")
    assert request.egress.allow_hosts == ("*.example.com",) and request.egress.private_hosts == ("127.0.0.1:8000",)
    assert request.egress_max_bytes == 5 and request.budget == BudgetRequest(memory_bytes=1 << 29, cpu_cores=0.5)
    assert (request.idle_timeout_s, request.lifetime_s) == (60, 600)
    assert request.labels == {"team": "blue", "empty": ""}


def test_a_budget_has_every_field_of_the_models() -> None:
    assert set(BudgetIn.model_fields) == {field.name for field in fields(BudgetRequest)}
    assert set(BudgetOut.model_fields) == {field.name for field in fields(Budget)}
    body = {name: 1_000 for name in BudgetIn.model_fields if name != "on_exhausted"} | {"on_exhausted": "end"}
    request = SessionIn.model_validate({"budget": body, "action_allowed_domains": ["a.test"]}).to_request()
    assert request.budget == BudgetRequest(**body)
    assert request.action_allowed_domains == ("a.test",)


@pytest.mark.parametrize(
    ("upstream", "shown"),
    [
        (None, None),
        ("socks5://proxy:1080", "socks5://proxy:1080"),
        ("http://user:secret@proxy:8080", "http://***@proxy:8080"),
        ("http://a@b:secret@proxy:8080", "http://***@proxy:8080"),
        ("user:secret@proxy", "***"),
        ("http://[user:secret@proxy", "***"),
    ],
)
def test_a_proxys_password_is_not_shown(upstream: str | None, shown: str | None) -> None:
    assert masked_upstream(upstream) == shown
