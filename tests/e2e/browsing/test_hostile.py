"""Pages and callers that mean no good: each gets its answer in time, and the session goes on as before."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cloche.browser.contract.common import MAX_SELECTOR_CHARS
from cloche.testing.cdp import CdpClient, CdpError
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import MakeHands, leave_nothing_open
from .doors import Door, Refused
from .hands import SOON_MS, Hands

GRACE_S = 3.0
"""How long after its own deadline an answer may come, on a machine that is busy with this very page."""


@pytest.fixture
async def hands(make_hands: MakeHands) -> AsyncIterator[Hands]:
    """A session of the test's own, which works afterwards."""
    made = await make_hands()
    yield made
    await made.works()


async def within_its_deadline(call: Callable[..., Awaitable[Any]], *args: Any, timeout_ms: int, **fields: Any) -> Any:
    """Make a call and check that it ended when it had to."""
    start = time.monotonic()
    answer = await call(*args, timeout_ms=timeout_ms, **fields)
    assert time.monotonic() - start < timeout_ms / 1000 + GRACE_S
    return answer


# --- what callers say ------------------------------------------------------------------------------------------------

INVALID_SELECTORS = {
    "empty engine": "xpath=",
    "half a bracket": "div[",
    "no combinator": ">> >>",
    "only a bar": ">>",
    "colons": ":::",
    "unknown engine": "javascript=alert(1)",
    "half a role": "role=button[name=",
    "no such pseudo": ":no-such-thing(1)",
    "broken xpath": "//*[",
    "xpath of a number": "xpath=1 + 1",
    "nul": "div\0",
    "negative place": "button >> nth=x",
    "half a string": '"never closed',
}


@pytest.fixture
async def shared(door: Door, place: dict[str, Any], local_web: LocalWeb) -> AsyncIterator[Hands]:
    """The module's session, for what leaves no trace in it."""
    made = Hands(door, place["id"], local_web)
    yield made
    await leave_nothing_open(made)


@pytest.mark.parametrize("selector", INVALID_SELECTORS.values(), ids=INVALID_SELECTORS)
async def test_a_selector_that_is_none_is_invalid(shared: Hands, selector: str) -> None:
    await shared.goto("buttons.html")
    try:
        code = await within_its_deadline(shared.failure, "Click", selector=selector, timeout_ms=SOON_MS)
    except Refused as error:
        # A text with a NUL may be turned away as a whole.
        assert error.why == "invalid" and "\0" in selector
        return
    assert code == "invalid_selector"


@pytest.mark.parametrize("selector", [":is(" * 500 + "a" + ")" * 500, "a," * 2000 + "a", "* " * 1000 + "a", "a" * 4096])
async def test_a_selector_that_is_hard_work_is_done_in_time(shared: Hands, selector: str) -> None:
    await shared.goto("buttons.html")
    answer = await within_its_deadline(
        shared.door.perform, shared.session_id, "Click", selector=selector, timeout_ms=1000
    )
    assert answer["error"] in ("", "invalid_selector", "selector_not_found", "timeout", "page_unresponsive")


async def test_an_empty_selector_without_a_position_is_refused(shared: Hands) -> None:
    await shared.goto("buttons.html")
    for rpc, fields in [("Click", {}), ("Hover", {}), ("Select", {"value": "x"}), ("SetFileInput", {"file_name": "x"}),
                        ("Highlight", {}), ("Drag", {}), ("WaitFor", {})]:  # fmt: skip
        with pytest.raises(Refused) as caught:
            answer = await shared.fail(rpc, timeout_ms=SOON_MS, **fields)
            # Said in the answer it is as good.
            assert answer["error"] == "invalid_selector"
            raise Refused("invalid", rpc)
        assert caught.value.why == "invalid"


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("Click", {"selector": "a" * (MAX_SELECTOR_CHARS + 1)}),
        ("Click", {"selector": "a", "position_x": math.nan, "position_y": 1.0}),
        ("Click", {"selector": "a", "position_x": math.inf, "position_y": 1.0}),
        ("Click", {"selector": "a", "position_x": 1e300, "position_y": 1.0}),
        ("Click", {"selector": "a", "click_count": -1}),
        ("Click", {"selector": "a", "click_count": 1000}),
        ("Click", {"selector": "a", "timeout_ms": -1}),
        ("Click", {"selector": "a", "timeout_ms": 10**9}),
        ("Click", {"selector": "a", "no_such_field": 1}),
        ("Click", {"selector": 7}),
        ("Click", {"selector": "a", "modifiers": ["Hyper"]}),
        ("Click", {"selector": "a", "button": "fourth"}),
        ("Type", {"selector": "a", "text": "x" * 263_000}),
        ("Scroll", {"delta_y": math.nan}),
        ("SetViewport", {"width": -5, "height": 100}),
        ("SetViewport", {"width": 100_000, "height": 100_000}),
        ("SetViewport", {"width": 800, "height": 600, "device_scale_factor": math.nan}),
        ("SetPermissions", {"camera": "maybe"}),
        ("SetCookies", {"cookies": [{"name": "a", "sameSite": "Sometimes"}]}),
        ("Navigate", {"url": "http://site.test/" + "x" * 70_000}),
        ("Navigate", {"url": "http://site.test/", "wait_until": "whenever"}),
    ],
)  # fmt: skip
async def test_a_request_that_makes_no_sense_is_refused_whole(shared: Hands, rpc: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        await shared.door.perform(shared.session_id, rpc, **fields)
    assert caught.value.why == "invalid"
    assert "Traceback" not in caught.value.told
    assert "/src/" not in caught.value.told


@pytest.mark.parametrize(
    "clip",
    [
        {"x": 0.0, "y": 0.0, "width": -10.0, "height": 10.0},
        {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0},
        {"x": 9e6, "y": 0.0, "width": 10.0, "height": 10.0},
        {"x": 0.0, "y": 0.0, "width": 9e6, "height": 9e6},
        {"x": math.nan, "y": 0.0, "width": 10.0, "height": 10.0},
    ],
)
async def test_a_picture_of_nothing_or_of_everything_is_none(shared: Hands, clip: dict[str, float]) -> None:
    await shared.goto("empty.html")
    try:
        answer = await shared.door.perform(shared.session_id, "Screenshot", clip=clip, timeout_ms=3000)
    except Refused as error:
        assert error.why == "invalid"
        return
    assert not answer["success"] or 9e6 in clip.values(), (
        "no area is no picture; what is beyond the page is white or cut"
    )
    assert len(answer["image_bytes"]) < 100_000


@pytest.mark.parametrize(
    "key", ["", "NoSuchKey", "Control+", "Control+NoSuch", "Hyper+a", "a+b", "Control+Control+", "F99", "ab", "\0"]
)
async def test_a_key_that_does_not_exist_is_invalid_and_none_is_left_held(shared: Hands, key: str) -> None:
    await shared.goto("forms.html")
    try:
        assert await shared.failure("Press", selector="#name", key=key) == "invalid_key"
    except Refused as error:
        assert error.why == "invalid" and key in ("", "\0")
    assert not await shared.log("keydown")
    await shared.do("Press", selector="#name", key="a")
    assert [one["held"] for one in await shared.log("keydown")] == [""]


async def test_a_click_outside_of_the_element_or_the_viewport_hits_nothing(shared: Hands) -> None:
    await shared.goto("buttons.html")
    outside = {"position_x": -5000.0, "position_y": -5000.0}
    code = await shared.failure("Click", selector="#plain", timeout_ms=SOON_MS, **outside)
    assert code in ("outside_viewport", "covered")
    assert await shared.failure("Click", timeout_ms=SOON_MS, **outside) == "outside_viewport"
    assert not await shared.log("mousedown")


# --- what pages do ---------------------------------------------------------------------------------------------------


async def test_an_element_that_goes_at_the_press_leaves_no_button_held(hands: Hands) -> None:
    await hands.goto("waiting.html")
    answer = await hands.door.perform(hands.session_id, "Click", selector="#gone", timeout_ms=1000)
    assert answer["success"] or answer["error"] == "detached"
    await hands.do("Click", selector="#start")
    assert [(one["id"], one["buttons"]) for one in await hands.log("mousedown")][-1] == ("start", 1)


async def test_an_element_that_is_replaced_under_the_pointer_is_still_clicked_or_said_to_be_gone(hands: Hands) -> None:
    await hands.goto("waiting.html")
    answer = await hands.door.perform(hands.session_id, "Click", selector="#replaced", timeout_ms=1000)
    clicked = [one["id"] for one in await hands.log("click")]
    assert clicked == (["replaced"] if answer["success"] else [])


async def test_a_page_that_reloads_for_ever_does_not_hold_a_call(hands: Hands) -> None:
    await hands.goto("reload.html", wait_until="commit", timeout_ms=3000)
    answers = [
        await within_its_deadline(hands.door.perform, hands.session_id, rpc, timeout_ms=800, **fields)
        for rpc, fields in [("Click", {"selector": "#no"}), ("Observe", {}), ("Screenshot", {}), ("GetTitle", {})]
    ]
    assert not answers[0]["success"]


async def test_a_thousand_popups_do_not_become_a_thousand_tabs(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"tabs": 8})
    await hands.goto("popups.html")
    await within_its_deadline(hands.door.perform, hands.session_id, "Click", selector="#swarm", timeout_ms=8000)
    for _ in range(100):
        if len(tabs := await hands.tabs()) <= 8:
            break
        await asyncio.sleep(0.05)
    assert len(tabs) <= 8
    await hands.do("ResetState", reset_tabs=True)
    assert len(await hands.tabs()) == 1
    await hands.works()


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("Click", {"selector": "#plain"}), ("Observe", {}), ("Evaluate", {"expression": "1"}), ("Screenshot", {}),
        ("Type", {"selector": "#plain", "text": "x"}), ("Scroll", {"delta_y": 10.0}), ("GetTitle", {}),
    ],
)  # fmt: skip
async def test_a_page_whose_thread_is_blocked_is_said_to_be(hands: Hands, rpc: str, fields: dict[str, Any]) -> None:
    await hands.goto("busy.html")
    await hands.door.perform(hands.session_id, "Click", selector="#soon", timeout_ms=2000)
    await asyncio.sleep(0.1)
    answer = await within_its_deadline(hands.door.perform, hands.session_id, rpc, timeout_ms=500, **fields)
    if rpc != "GetTitle" or not answer["success"]:
        assert answer["error"] in ("page_unresponsive", "timeout"), answer


async def test_a_script_that_never_returns_ends_with_its_deadline(hands: Hands) -> None:
    await hands.goto("buttons.html")
    code = await within_its_deadline(hands.failure, "Evaluate", expression="for (;;);", timeout_ms=500)
    assert code in ("timeout", "page_unresponsive")


async def a_dialog_is_open(hands: Hands) -> None:
    async with asyncio.timeout(5):
        while not any(tab["dialog"] for tab in (await hands.do("ListTabs"))["tabs"]):
            await asyncio.sleep(0.01)  # what a page does next is its own


async def test_a_page_that_alerts_for_ever_can_be_left(hands: Hands) -> None:
    await hands.goto("alerts.html")
    assert (await hands.do("Click", selector="#loop"))["effects"]["dialog"]["message"] == "again"
    for _ in range(3):
        await a_dialog_is_open(hands)
        assert (await hands.do("Dialog", accept=True))["dialog"]["message"] == "again"
    await a_dialog_is_open(hands)
    assert await hands.failure("Click", selector="#plain", timeout_ms=SOON_MS) in ("dialog_open", "page_unresponsive")
    await within_its_deadline(hands.do, "Navigate", url=hands.url("empty.html"), timeout_ms=5000)


async def test_a_page_that_has_changed_everything_it_can_is_used_as_any_other(hands: Hands) -> None:
    await hands.goto("poison.html")
    await hands.do("Click", selector="#plain")
    await hands.do("Click", selector='role=button[name="Plain"]')
    await hands.do("Click", selector="//button[@id='plain']")
    await hands.do("Type", selector="label=Field", text="truth")
    await hands.do("Select", selector="#choice", value="b")
    await hands.do("WaitFor", selector="#plain")
    ref = await hands.ref('button "Plain"')
    await hands.do("Click", selector=f"ref={ref}")
    answer = await hands.do("Observe", include_visible_text=True, include_dom_snapshot=True)
    assert "Plain" in answer["visible_text"]
    assert "lies" not in repr(answer)
    clicked = "one.type === 'click' && one.id === 'plain' && one.trusted"
    count = f"(() => {{ let n = 0; for (const one of log) if ({clicked}) n++; return n; }})()"
    assert await hands.js(count) == 4
    assert await hands.failure("Click", selector="#covered", timeout_ms=SOON_MS) == "not_visible"
    # Nothing of ours has run where the page could see it.
    assert await hands.js("seen.join()") == ""


TOO_MUCH = {
    "timeout", "page_too_large", "page_unresponsive", "page_crashed", "not_visible", "not_stable", "browser_failed",
}  # fmt: skip


async def test_two_hundred_megabytes_of_text_are_looked_at_within_bounds(hands: Hands) -> None:
    await hands.goto("huge.html?megabytes=200", timeout_ms=30_000, wait_until="commit")
    for rpc, fields in [
        ("Observe", {"max_bytes": 10_000}),
        ("Observe", {"include_visible_text": True, "max_visible_text_bytes": 10_000}),
        ("Observe", {"include_dom_snapshot": True, "max_dom_snapshot_bytes": 10_000}),
        ("Click", {"selector": "text=part 150"}),
        ("Click", {"selector": "#plain"}),
    ]:
        answer = await within_its_deadline(hands.door.perform, hands.session_id, rpc, timeout_ms=10_000, **fields)
        assert answer["success"] or answer["error"] in TOO_MUCH, answer
        assert len(repr(answer)) < 60_000


async def test_a_tree_a_thousand_deep_is_no_recursion(hands: Hands) -> None:
    await hands.goto("deep.html")
    await hands.do("Click", selector="#bottom")
    answer = await hands.do("Observe", max_bytes=50_000)
    assert len(answer["accessibility_tree"].encode()) <= 50_000
    await hands.do("Observe", include_visible_text=True, include_dom_snapshot=True)


NO_VALUE = ("not_serializable", "output_too_large")


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("window", ("not_serializable", "output_too_large")),
        ("document", ("not_serializable", "ok")),
        ("({ get a() { throw new Error('no'); } })", ("script_error", "not_serializable")),
        ("({ toJSON() { for (;;); } })", ("timeout", "page_unresponsive", "ok")),
        ("new Proxy({}, { ownKeys() { throw 1; } })", ("script_error", "not_serializable", "ok")),
        ("10n ** 1000n", ("not_serializable", "ok")),
        ("Symbol('s')", ("not_serializable", "ok")),
        ("NaN", ("ok",)),
        ("(() => { let a; for (let i = 0; i < 1e5; i++) a = [a]; return a; })()", (*NO_VALUE, "script_error", "ok")),
        ("new Array(2 ** 32 - 1)", (*NO_VALUE, "timeout", "page_unresponsive", "page_crashed")),
        ("'\\ud800'", ("ok",)),
    ],
)  # fmt: skip
async def test_whatever_a_script_returns_there_is_an_answer(
    hands: Hands, expression: str, codes: tuple[str, ...]
) -> None:
    await hands.goto("empty.html")
    answer = await within_its_deadline(
        hands.door.perform, hands.session_id, "Evaluate", expression=expression, timeout_ms=2000
    )
    assert (answer["error"] or "ok") in codes, answer


async def test_a_renderer_that_crashes_is_said_to_have_and_the_tab_is_used_again(
    hands: Hands, cdp: Any, shared_daemon: DaemonProcess
) -> None:
    await hands.goto("buttons.html")
    (tab,) = await hands.tabs()
    session = (await shared_daemon.request("GET", f"/v1/sessions/{hands.session_id}")).json
    await crash_renderer(await cdp(session["connect_url"]), hands.url("buttons.html"))
    answer = await within_its_deadline(
        hands.door.perform, hands.session_id, "Click", selector="#plain", timeout_ms=1000
    )
    assert answer["error"] == "page_crashed"
    assert [one["crashed"] for one in await hands.tabs() if one["tab_id"] == tab["tab_id"]] == [True]
    await hands.goto("buttons.html")
    assert [one["crashed"] for one in await hands.tabs()] == [False]


async def test_a_session_that_was_never_there_and_one_of_a_strange_shape_are_not_found(shared: Hands) -> None:
    for session_id in ("ses_01JZZZZZZZZZZZZZZZZZZZZZZZ", "../keys", "x", "ses_"):
        with pytest.raises(Refused) as caught:
            await shared.door.perform(session_id, "GetTitle")
        assert caught.value.why in ("not_found", "invalid")


async def crash_renderer(client: CdpClient, url: str) -> None:
    """Let the renderer of the page at that address end as at a bug of its own."""
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    target = next(target for target in targets if target["url"] == url)
    page = await client.attach(target["targetId"])
    crashed = client.expect("Inspector.targetCrashed", session_id=page.session_id)
    await page.send("Inspector.enable")
    with contextlib.suppress(CdpError, TimeoutError):  # it may not come to an answer
        await page.send("Page.crash", timeout_s=0.5)
    await asyncio.wait_for(crashed, 5)
