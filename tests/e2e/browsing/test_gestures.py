"""What is more than a click or a key: hovering, dragging, scrolling, giving files, waiting, dialogs, downloads."""

import asyncio

import pytest

from .conftest import MakeHands
from .hands import SOON_MS, Hands

# --- hover, drag, scroll ---------------------------------------------------------------------------------------------


async def test_hovering_shows_what_only_hovering_shows(hands: Hands) -> None:
    await hands.goto("buttons.html")
    await hands.do("Hover", selector="#hover")
    assert await hands.js("tip.hidden") is False
    await hands.do("Hover", selector="h1")
    assert await hands.js("tip.hidden") is True
    assert all(one["trusted"] for one in await hands.log("mousemove"))


async def test_an_element_is_dragged_and_dropped(hands: Hands) -> None:
    await hands.goto("drag.html")
    await hands.do("Drag", selector="#card", target_selector="#bin")
    assert await hands.js("bin.textContent") == "got the card"
    seen = await hands.js("log")
    assert [kind for kind, _, _ in seen] == ["dragstart", "dragenter", "drop", "dragend"]
    assert all(trusted for _, _, trusted in seen)


async def test_items_are_sorted_by_dragging(hands: Hands) -> None:
    await hands.goto("drag.html")
    await hands.do("Drag", selector="#sortable li:first-child", target_selector="#sortable li:last-child")
    assert await hands.js("sortable.innerText.split('\\n')") == ["two", "three", "one"]


async def test_a_slider_follows_the_pointer_all_the_way(hands: Hands) -> None:
    await hands.goto("drag.html")
    start = await hands.js("(({left, top}) => [left + 40, top + 20])(knob.getBoundingClientRect())")
    await hands.do(
        "Drag", position_x=start[0], position_y=start[1], target_x=start[0] + 150, target_y=start[1], steps=10
    )
    assert await hands.js("knob.offsetLeft") == pytest.approx(150, abs=2)
    assert await hands.js("moves") >= 10
    assert await hands.js("log") == [["released", "knob", True]]


async def test_a_stroke_is_drawn_on_a_canvas(hands: Hands) -> None:
    await hands.goto("canvas.html")
    await hands.do("Drag", position_x=60, position_y=60, target_x=260, target_y=160, steps=5)
    (stroke,) = await hands.js("strokes")
    assert stroke[0] == [10, 10]
    assert stroke[-1] == [210, 110]
    assert len(stroke) >= 6


async def test_a_drag_to_what_is_not_there_lets_go_of_nothing(hands: Hands) -> None:
    await hands.goto("drag.html")
    code = await hands.failure("Drag", selector="#card", target_selector="#none", timeout_ms=SOON_MS)
    assert code == "selector_not_found"
    await hands.do("Hover", selector="#track")
    assert await hands.js("moves") == 0
    assert await hands.js("log") == []


async def test_the_page_and_a_box_in_it_are_scrolled(hands: Hands) -> None:
    await hands.goto("scroll.html")
    answer = await hands.do("Scroll", delta_y=700, delta_x=30)
    assert (answer["scroll_x"], answer["scroll_y"]) == (30, 700)
    assert await hands.js("[scrollX, scrollY]") == [30, 700]
    await hands.do("Scroll", delta_y=-10_000)
    assert await hands.js("[scrollX, scrollY]") == [30, 0]
    await hands.do("Scroll", selector="#box", delta_y=250)
    assert await hands.js("[box.scrollTop, scrollY]") == [250, 0]


async def test_without_a_distance_an_element_is_brought_into_view(hands: Hands) -> None:
    await hands.goto("scroll.html")
    await hands.do("Scroll", selector="#end")
    inside = "(({top, left}) => top >= 0 && top < innerHeight && left >= 0 && left < innerWidth)"
    assert await hands.js(f"{inside}(document.getElementById('end').getBoundingClientRect())")


async def test_rows_that_do_not_exist_yet_are_scrolled_to(hands: Hands) -> None:
    await hands.goto("list.html")
    assert await hands.failure("Click", selector='"Row 500"', timeout_ms=SOON_MS) == "selector_not_found"
    await hands.do("Scroll", selector="#list", delta_y=15_000)
    await hands.do("Click", selector='"Row 500"')
    assert await hands.js("chosen.textContent") == "chosen 500"


# --- files -----------------------------------------------------------------------------------------------------------


async def test_a_file_is_given_to_an_input(hands: Hands) -> None:
    await hands.goto("files.html")
    answer = await hands.do("SetFileInput", selector="#one", file_name="note.txt", file_bytes=b"from outside")
    assert (answer["uploaded_file_name"], answer["uploaded_file_bytes"]) == ("note.txt", 12)
    name, _, size, text = (await hands.wait("got.one"))[0]
    assert (name, size, text) == ("note.txt", 12, "from outside")


async def test_several_files_with_their_types(hands: Hands) -> None:
    await hands.goto("files.html")
    files = [
        {"file_name": "a.csv", "file_bytes": b"a,b", "mime_type": "text/csv"},
        {"file_name": "日本.bin", "file_bytes": bytes(range(16))},
    ]
    assert (await hands.do("SetFileInput", selector="#many", files=files))["uploaded_files"] == 2
    assert [one[0] for one in await hands.wait("got.many")] == ["a.csv", "日本.bin"]


async def test_a_button_that_opens_a_chooser_takes_a_file(hands: Hands) -> None:
    await hands.goto("files.html")
    await hands.do("SetFileInput", selector="#chooser", file_name="chosen.txt", file_bytes=b"x")
    assert (await hands.wait("got.behind"))[0][0] == "chosen.txt"


async def test_a_click_that_opens_a_chooser_says_so_and_leaves_the_page_usable(hands: Hands) -> None:
    await hands.goto("files.html")
    assert (await hands.do("Click", selector="#chooser"))["effects"]["file_chooser"]
    await hands.do("SetFileInput", selector="#behind", file_name="after.txt", file_bytes=b"x")
    assert (await hands.wait("got.behind"))[0][0] == "after.txt"


@pytest.mark.parametrize(
    ("selector", "code"), [("#nothing", "not_a_file_input"), ("#none", "selector_not_found"), ("#off", "not_enabled")]
)
async def test_what_takes_no_file_says_why(hands: Hands, selector: str, code: str) -> None:
    await hands.goto("files.html")
    asked = {"selector": selector, "file_name": "a.txt", "file_bytes": b"x", "timeout_ms": SOON_MS}
    assert await hands.failure("SetFileInput", **asked) == code


async def test_a_file_name_is_never_a_path(hands: Hands) -> None:
    await hands.goto("files.html")
    await hands.do("SetFileInput", selector="#one", file_name="../../etc/passwd", file_bytes=b"x")
    assert "/" not in (await hands.wait("got.one"))[0][0]


# --- waiting ---------------------------------------------------------------------------------------------------------

CONDITIONS = {
    "an element that comes": {"selector": "#late"},
    "a text that comes": {"text": "it came"},
    "an element that goes": {"selector": "#veil", "state": "detached"},
    "an element that is hidden": {"selector": "#veil", "state": "hidden"},
    "an element that is there": {"selector": "#hidden", "state": "attached"},
    "the first of two": {"selector": "#never", "text": "it came"},
    "an address": {"url": "waiting.html"},
    "the load": {"load_state": "load"},
    "the network": {"load_state": "networkidle"},
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
async def test_what_is_waited_for_comes(hands: Hands, condition: dict[str, str]) -> None:
    await hands.goto("waiting.html")
    await hands.do("Click", selector="#start")
    answer = await hands.do("WaitFor", timeout_ms=4000, **condition)
    assert answer["waited_ms"] < 4000
    if "text" in condition:
        assert (answer["matched_text"], answer["matched_selector"]) == ("it came", "")


@pytest.mark.parametrize(
    "condition",
    [{"selector": "#never"}, {"text": "never said"}, {"selector": "#start", "state": "detached"}, {"url": "elsewhere"}],
)
async def test_what_does_not_come_ends_with_a_timeout(hands: Hands, condition: dict[str, str]) -> None:
    await hands.goto("waiting.html")
    assert await hands.failure("WaitFor", timeout_ms=SOON_MS, **condition) == "timeout"


async def test_waiting_goes_on_over_a_navigation(hands: Hands) -> None:
    await hands.goto("history.html")
    await hands.do("Click", selector="#soon")
    answer = await hands.do("WaitFor", url="empty.html?soon", timeout_ms=4000)
    assert answer["matched_url"] == hands.url("empty.html?soon")


# --- dialogs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("button", "answer", "result"),
    [
        ("alert", {"accept": True}, "alerted"),
        ("alert", {"accept": False}, "alerted"),
        ("confirm", {"accept": True}, "true"),
        ("confirm", {"accept": False}, "false"),
        ("prompt", {"accept": True, "prompt_text": "Grace"}, "Grace"),
        ("prompt", {"accept": False}, "null"),
    ],
)
async def test_a_dialog_is_told_by_the_click_and_answered(
    hands: Hands, button: str, answer: dict[str, object], result: str
) -> None:
    await hands.goto("dialogs.html")
    dialog = (await hands.do("Click", selector=f"#{button}"))["effects"]["dialog"]
    assert dialog["type"] == button
    assert dialog["message"] == {"alert": "Mind the gap", "confirm": "Sure?", "prompt": "Your name?"}[button]
    assert dialog["default_prompt"] == ("Ada" if button == "prompt" else "")
    (tab,) = await hands.tabs()
    assert tab["dialog"]["type"] == button
    assert (await hands.do("Dialog", **answer))["dialog"]["type"] == button
    said = "document.getElementById('answer').textContent"
    assert await hands.wait(f"{said} !== 'none' && {said}") == result


@pytest.mark.parametrize("rpc", ["Click", "Type", "Observe", "Evaluate", "Hover"])
async def test_while_a_dialog_is_open_the_page_cannot_be_used_and_that_is_said(hands: Hands, rpc: str) -> None:
    await hands.goto("dialogs.html")
    await hands.do("Click", selector="#confirm")
    fields: dict[str, object] = {} if rpc in ("Observe", "Evaluate") else {"selector": "#alert"}
    assert await hands.failure(rpc, timeout_ms=SOON_MS, **fields) == "dialog_open"
    await hands.do("Dialog", accept=True)
    assert await hands.wait("document.getElementById('answer').textContent === 'true'")


async def test_a_second_dialog_is_a_second_question(hands: Hands) -> None:
    await hands.goto("dialogs.html")
    await hands.do("Click", selector="#two")
    assert (await hands.do("Dialog", accept=True))["dialog"]["message"] == "first"
    assert (await hands.do("Dialog", accept=True))["dialog"]["message"] == "second"
    assert await hands.wait("document.getElementById('answer').textContent === 'both'")


async def test_without_a_dialog_there_is_nothing_to_answer(hands: Hands) -> None:
    await hands.goto("dialogs.html")
    assert await hands.failure("Dialog", accept=True, timeout_ms=SOON_MS) == "no_dialog"


async def test_a_page_that_asks_before_it_is_left_does_not_hold_a_navigation(hands: Hands) -> None:
    await hands.goto("dialogs.html")
    await hands.do("Click", selector="#guard")
    answer = await hands.door.perform(hands.session_id, "Navigate", url=hands.url("empty.html"), timeout_ms=4000)
    if not answer["success"]:
        assert answer["error"] == "dialog_open"
        await hands.do("Dialog", accept=True)
        await hands.do("WaitFor", url="empty.html", timeout_ms=4000)
    assert (await hands.do("GetTitle"))["page_url"] == hands.url("empty.html")


# --- what a click causes ---------------------------------------------------------------------------------------------


# One that a script of the page begins by itself can come after the answer: tests/e2e/downloads has those.
@pytest.mark.parametrize(("selector", "name"), [("#attachment", "report.pdf"), ("#named", "own-name.txt")])
async def test_a_click_tells_of_the_download_it_began(hands: Hands, selector: str, name: str) -> None:
    await hands.goto("download.html")
    (download,) = (await hands.do("Click", selector=selector))["effects"]["downloads"]
    assert download["suggested_filename"] == name
    assert (await hands.do("GetTitle"))["page_url"] == hands.url("download.html")


async def test_a_highlight_is_to_be_seen_and_goes_again(hands: Hands) -> None:
    await hands.goto("print.html")
    before = (await hands.do("Screenshot"))["image_bytes"]
    html = await hands.js("document.documentElement.outerHTML")
    await hands.do("Highlight", selector="#red", duration_ms=800)
    assert (await hands.do("Screenshot"))["image_bytes"] != before
    assert await hands.wait("!document.documentElement.outerHTML.includes('cloche')")
    assert await hands.js("document.documentElement.outerHTML") == html
    assert (await hands.do("Screenshot"))["image_bytes"] == before


async def test_a_selection_is_read(hands: Hands) -> None:
    await hands.goto("buttons.html")
    await hands.js("void getSelection().selectAllChildren(document.getElementById('plain-text'))")
    assert (await hands.do("CaptureSelection"))["selected_text"] == "Some plain text"
    cut = await hands.do("CaptureSelection", max_selection_bytes=4)
    assert (cut["selected_text"], cut["truncated"]) == ("Some", True)
    assert (await hands.do("CaptureSelection", selector="h1"))["selected_text"] == "Buttons"


# --- evaluate --------------------------------------------------------------------------------------------------------

VALUES = {
    "1 + 1": ("2", "number"),
    "'text'": ('"text"', "string"),
    "null": ("null", "null"),
    "undefined": ("null", "undefined"),
    "[1, 'a', {b: true}]": ('[1,"a",{"b":true}]', "array"),
    "Promise.resolve(5)": ("5", "number"),
    "(() => 1)": ("null", "function"),
}


@pytest.mark.parametrize(("expression", "wanted"), VALUES.items(), ids=VALUES)
async def test_an_expression_has_a_value_and_a_type(hands: Hands, expression: str, wanted: tuple[str, str]) -> None:
    await hands.goto("empty.html")
    answer = await hands.do("Evaluate", expression=expression)
    assert (answer["value_json"].replace(" ", ""), answer["type"]) == wanted


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("throw new Error('thrown by the page')", "script_error"),
        ("nonsense(", "script_error"),
        ("Promise.reject(new Error('thrown by the page'))", "script_error"),
        ("(() => { const a = {}; a.a = a; return a; })()", "not_serializable"),
        ("'x'.repeat(3 << 20)", "output_too_large"),
        ("new Promise(() => {})", "timeout"),
    ],
)
async def test_an_expression_without_a_value_says_why(hands: Hands, expression: str, code: str) -> None:
    await hands.goto("empty.html")
    answer = await hands.fail("Evaluate", expression=expression, timeout_ms=800)
    assert answer["error"] == code
    assert len(answer["detail"]) < 1000
    assert await hands.js("1") == 1


async def test_a_page_policy_does_not_stop_evaluation(hands: Hands) -> None:
    await hands.goto("empty.html?csp=script-src%20'none';%20require-trusted-types-for%20'script'")
    assert await hands.js("document.title") == "empty of site.test"


async def test_a_world_of_its_own_is_not_the_pages(hands: Hands) -> None:
    await hands.goto("empty.html")
    await hands.js("window.mine = 1")
    assert await hands.js("typeof mine", isolated=True) == "undefined"
    assert await hands.js("document.title", isolated=True) == "empty of site.test"


async def test_two_calls_at_once_are_both_done(make_hands: MakeHands) -> None:
    hands = await make_hands()
    await hands.goto("buttons.html")
    await asyncio.gather(*(hands.do("Click", selector=f"#{name}") for name in ("plain", "named", "corner")))
    assert sorted(one["id"] for one in await hands.log("click")) == ["corner", "named", "plain"]
