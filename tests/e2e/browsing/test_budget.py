"""Budgets are counted at the call, told with every answer, and say clearly when they are spent."""

import asyncio

import pytest

from cloche.testing.daemon import DaemonProcess

from .conftest import MakeHands
from .hands import Hands


async def wait_ms(amount: int) -> None:
    """Let time go by: here it is what is tested."""
    await asyncio.sleep(amount / 1000)


@pytest.mark.promise("a-spent-budget-says-so")
async def test_what_is_left_is_told_with_every_answer_until_nothing_is(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"actions": 4})
    assert (await hands.do("GetTitle"))["usage"]["actions_left"] == 4
    left = [(await hands.goto("buttons.html"))["usage"]["actions_left"]]
    for selector in ("#plain", "#named"):
        left.append((await hands.do("Click", selector=selector))["usage"]["actions_left"])
    left.append((await hands.fail("Click", selector="#none", timeout_ms=50))["usage"]["actions_left"])
    assert left == [3, 2, 1, 0], "a failure has been tried, so it counts"
    answer = await hands.fail("Click", selector="#plain")
    assert answer["error"] == "budget_exhausted"
    assert (answer["usage"]["actions"], answer["usage"]["actions_left"]) == (4, 0)
    assert (await hands.do("Observe"))["usage"]["actions_left"] == 0, "looking is free"


async def test_going_somewhere_counts_too(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"actions": 2})
    await hands.goto("empty.html")
    await hands.do("OpenTab", url=hands.url("empty.html"))
    hands.web.restore()
    assert await hands.failure("Navigate", url=hands.url("empty.html")) == "budget_exhausted"
    assert not hands.web.requests(path="/pages/empty.html")


async def test_a_window_slides(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"actions_per_window": 3, "action_window_ms": 1500})
    await hands.goto("buttons.html")
    for _ in range(2):
        answer = await hands.do("Click", selector="#plain")
    assert answer["usage"]["window_actions_left"] == 0
    refused = await hands.fail("Click", selector="#named")
    assert refused["error"] == "rate_limited"
    waiting_ms = refused["usage"]["window_resets_in_ms"]
    assert 0 < waiting_ms <= 1500
    assert "buttons" in (await hands.do("Observe"))["title"], "looking is not limited"
    await wait_ms(waiting_ms + 20)
    await hands.do("Click", selector="#named")
    assert (await hands.door.perform(hands.session_id, "GetTitle"))["usage"]["actions"] == 4


async def test_a_session_ends_with_its_budget_where_the_budget_says_so(
    make_hands: MakeHands, shared_daemon: DaemonProcess
) -> None:
    hands = await make_hands(budget={"actions": 1, "on_exhausted": "end"})
    await hands.goto("empty.html")
    await hands.failure("Click", selector="h1")
    for _ in range(100):
        shown = (await shared_daemon.request("GET", f"/v1/sessions/{hands.session_id}")).json
        if shown["status"] in ("closed", "failed"):
            break
        await wait_ms(20)
    assert shown["status"] == "closed"
    assert "budget" in shown["reason"]


async def test_ceilings_are_the_servers(make_hands: MakeHands, shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session(budget={"type_bytes": 1 << 40})
    assert session["budget"]["type_bytes"] < 1 << 40


async def test_too_much_text_is_not_typed_at_all(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"type_bytes": 10})
    await hands.goto("forms.html")
    assert await hands.failure("Type", selector="#name", text="12345678901") == "input_too_large"
    assert await hands.failure("Type", selector="#name", text="é" * 6) == "input_too_large"
    assert await hands.js("document.getElementById('name').value") == ""
    await hands.do("Type", selector="#name", text="1234567890")


async def test_too_large_a_file_is_not_given(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"upload_bytes": 1000})
    await hands.goto("files.html")
    fields = {"selector": "#many", "files": [{"file_name": f"{n}", "file_bytes": b"x" * 600} for n in range(2)]}
    assert await hands.failure("SetFileInput", **fields) == "input_too_large"
    assert await hands.js("many.files.length") == 0


async def test_navigations_end_with_the_budgets_time(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"navigation_timeout_ms": 1500, "action_timeout_ms": 300})
    assert await hands.failure("Navigate", url=hands.url("/hang"), timeout_ms=60_000) == "timeout"
    await hands.goto("waiting.html")
    assert await hands.failure("Click", selector="#moving", timeout_ms=60_000) == "not_stable"


async def test_usage_is_the_same_in_the_session(make_hands: MakeHands, shared_daemon: DaemonProcess) -> None:
    hands = await make_hands(budget={"actions": 10})
    usage = (await hands.goto("empty.html"))["usage"]
    assert (usage["actions"], usage["actions_left"], usage["tabs"]) == (1, 9, 1)
    assert 0 < usage["lifetime_left_ms"] <= 3_600_000
    assert usage["egress_bytes_left"] > 0


async def test_calls_at_once_are_counted_once_each(make_hands: MakeHands) -> None:
    hands: Hands = await make_hands(budget={"actions": 7})
    await hands.goto("buttons.html")
    await hands.js("window.clicks = 0, void addEventListener('click', () => { document.title = String(++clicks); })")
    calls = [hands.door.perform(hands.session_id, "Click", selector="#plain") for _ in range(10)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer["error"] for answer in answers) == [""] * 5 + ["budget_exhausted"] * 5
    assert (await hands.do("GetTitle"))["title"] == "5"
