"""Budgets of the browser service, as a session is asked for and shown over REST."""

from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess


async def test_what_is_in_force_is_shown_and_never_above_the_servers_ceiling(stub_daemon: DaemonProcess) -> None:
    asked: dict[str, Any] = {"actions": 5, "tabs": 1_000_000, "action_window_ms": 1, "on_exhausted": "end"}
    session = await stub_daemon.create_session(budget=asked, action_allowed_domains=["*.Shop.TEST", "10.0.0.5"])

    for shown in (session, (await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")).json):
        budget = shown["budget"]
        assert (budget["actions"], budget["tabs"], budget["action_window_ms"]) == (5, 128, 1000)
        assert (budget["on_exhausted"], budget["navigation_timeout_ms"]) == ("end", 15_000)
        assert shown["action_allowed_domains"] == ["shop.test", "10.0.0.5"]
        assert shown["usage"]["actions"] == 0


@pytest.mark.promise("a-spent-budget-says-so")
async def test_an_answer_of_the_browser_service_tells_what_is_left(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(budget={"actions": 5, "egress_bytes": 1000})
    answer = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}/action_log")

    assert (answer.status, answer.json["success"], answer.json["entries"]) == (200, True, [])
    usage = answer.json["usage"]
    assert (usage["actions"], usage["actions_left"], usage["window_actions_left"]) == (0, 5, 100)
    assert (usage["egress_bytes_left"], usage["tabs_left"]) == (1000, -1)
    assert 0 < usage["lifetime_left_ms"] <= 3_600_000


@pytest.mark.parametrize(
    "body",
    [
        {"budget": {"actions": 0}},
        {"budget": {"type_bytes": -1}},
        {"budget": {"on_exhausted": "explode"}},
        {"action_allowed_domains": ["https://shop.test/"]},
        {"action_allowed_domains": ["10.0.0.0/8"]},
    ],
)
async def test_what_makes_no_sense_is_refused(stub_daemon: DaemonProcess, body: dict[str, Any]) -> None:
    answer = await stub_daemon.request("POST", "/v1/sessions", body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
