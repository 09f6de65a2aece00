"""Observe, GetTitle and CaptureSelection against a real Chromium."""

import asyncio
from collections.abc import Iterator

import pytest

from cloche.browser.contract.actions import CaptureSelectionRequest
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import GetTitleRequest, ObserveRequest
from cloche.browser.frame import Frame
from cloche.browser.observe import capture_selection, get_title, observe, page_texts
from cloche.browser.observing import accessibility, frames
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium, CallOf, Show, soon


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with BareChromium("--site-per-process", hosts={"a.test": ("127.0.0.1",), "b.test": ("127.0.0.1",)}) as process:
        yield process


async def page_runs(tab: Tab, expression: str) -> None:
    answer = await tab.session.call("Runtime.evaluate", {"expression": expression}, deadline=soon())
    assert "exceptionDetails" not in answer, answer


def inside(text: str) -> str:
    """What stands between the fence's two lines."""
    first, *lines, last = text.split("\n")
    assert first.startswith("--- page ") and last.endswith(" end ---")
    return "\n".join(lines)


async def test_with_nothing_asked_for_the_accessibility_tree_is_told_in_a_fence(show: Show, call_of: CallOf) -> None:
    tab = await show("<title>Shop</title><h1>Cart</h1><button>Pay</button>")
    seen = await observe(call_of(tab), ObserveRequest())
    ref = tab.main.document
    assert inside(seen.accessibility_tree) == f'- heading "Cart" [level=1]\n- button "Pay" [ref={ref}1]'
    assert (seen.title, seen.page_url, seen.element_count) == ("Shop", "about:blank", 2)
    assert (seen.dom_snapshot, seen.visible_text, seen.next_cursor) == ("", "", "")
    assert not seen.accessibility_tree_truncated and seen.snapshot_id.startswith("snap_")
    again = await observe(call_of(tab), ObserveRequest())
    assert all(line.startswith(seen.fence) for line in seen.accessibility_tree.split("\n")[::3])
    assert again.fence != seen.fence


async def test_outline_and_visible_text_are_told_when_asked_for(show: Show, call_of: CallOf) -> None:
    tab = await show("<h1>Cart</h1><p hidden>gone</p>")
    request = ObserveRequest(include_dom_snapshot=True, include_visible_text=True)
    seen = await observe(call_of(tab), request)
    assert seen.accessibility_tree == seen.snapshot_id == ""
    assert inside(seen.visible_text) == "Cart"
    assert inside(seen.dom_snapshot).split("\n")[2:] == ["    <h1> Cart", "    <p> gone"]
    await page_runs(tab, "document.querySelector('h1').textContent = 'é'.repeat(1000)")
    short = await observe(call_of(tab, snapshot_bytes=300, text_bytes=301), request)
    assert (short.dom_truncated, short.visible_text_truncated) == (True, True)
    assert 280 < len(short.dom_snapshot.encode()) <= 300 and 290 < len(short.visible_text.encode()) <= 301


async def test_pages_of_a_snapshot_are_whole_however_the_page_changes(show: Show, call_of: CallOf) -> None:
    tab = await show("".join(f"<button>button {number}</button>" for number in range(100)))
    seen = await observe(call_of(tab), ObserveRequest(max_bytes=1000))
    await page_runs(tab, "document.body.textContent = 'changed'")
    lines = inside(seen.accessibility_tree).split("\n")
    pages = 1
    while seen.next_cursor:
        assert seen.accessibility_tree_truncated
        assert len(seen.accessibility_tree.encode()) <= 1000
        seen = await observe(call_of(tab), ObserveRequest(max_bytes=1000, cursor=seen.next_cursor))
        lines += inside(seen.accessibility_tree).split("\n")
        pages += 1
    assert pages > 3
    assert [line.split('"')[1] for line in lines] == [f"button {number}" for number in range(100)]


async def test_search_and_changes_are_told_and_can_be_paged(show: Show, call_of: CallOf) -> None:
    tab = await show("<main><h1 id=h>Cart</h1><ul id=u><li>tea</li></ul></main>")
    before = await observe(call_of(tab), ObserveRequest())
    await page_runs(tab, "u.innerHTML += '<li>milk '.repeat(50)")
    changed = await observe(call_of(tab), ObserveRequest(diff_from=before.snapshot_id))
    assert changed.is_diff and "+    - listitem: milk" in changed.accessibility_tree
    assert "Cart" not in changed.accessibility_tree
    found = await observe(call_of(tab), ObserveRequest(search="MILK", max_bytes=600))
    assert (found.matched_count, found.element_count) == (50, 54)
    assert "tea" not in found.accessibility_tree
    more = await observe(call_of(tab), ObserveRequest(cursor=found.next_cursor))
    assert found.accessibility_tree.count("milk") + more.accessibility_tree.count("milk") == 50
    same = await observe(call_of(tab), ObserveRequest(diff_from=found.snapshot_id))
    assert same.is_diff and inside(same.accessibility_tree) == ""


async def test_a_tabs_last_four_snapshots_are_kept(show: Show, call_of: CallOf) -> None:
    tab = await show("<button>B</button>")
    ids = [(await observe(call_of(tab), ObserveRequest())).snapshot_id for _ in range(5)]
    assert (await observe(call_of(tab), ObserveRequest(diff_from=ids[2]))).is_diff
    for request in (
        ObserveRequest(diff_from=ids[0]),
        ObserveRequest(cursor=f"{ids[0]}.1.0"),
        ObserveRequest(cursor=f"{ids[4]}.9.0"),
        ObserveRequest(cursor="nonsense"),
    ):
        with pytest.raises(ActionError) as missing:
            await observe(call_of(tab), request)
        assert missing.value.code is Failure.SNAPSHOT_NOT_FOUND


async def test_a_root_is_a_ref_or_a_selector(show: Show, call_of: CallOf) -> None:
    tab = await show("<nav><a href=x>one</a></nav><main><button>two</button></main>")
    whole = await observe(call_of(tab), ObserveRequest())
    ref = tab.main.document
    part = await observe(call_of(tab), ObserveRequest(root="css=main", include_visible_text=True))
    assert inside(part.visible_text) == "two"
    part = await observe(call_of(tab), ObserveRequest(root=f"ref={ref}1"))
    assert f"navigation [ref={ref}1]" in whole.accessibility_tree
    assert inside(part.accessibility_tree).split("\n")[0] == f"- navigation [ref={ref}1]:"
    assert "two" not in part.accessibility_tree
    with pytest.raises(ActionError) as stale:
        await page_runs(tab, "document.querySelector('nav').remove()")
        await observe(call_of(tab), ObserveRequest(root=f"ref={ref}1"))
    assert stale.value.code is Failure.STALE_REF


async def test_what_is_in_a_frame_stands_below_its_line(show: Show, call_of: CallOf) -> None:
    inner = "<button style='position: absolute; left: 1px; top: 2px; width: 9px; height: 9px'>deep</button>"
    tab = await show(
        "<style>body { margin: 0 } iframe { border: 5px solid; padding: 0 }</style>"
        "<iframe hidden srcdoc=unseen></iframe>"
        f'<p style="margin: 0; height: 50px">text</p><iframe title=one srcdoc="<style>* {{ margin: 0 }}</style>'
        f"<div style='height: 20px'>in</div><iframe style='display: block' srcdoc=&quot;{inner}&quot;></iframe>"
        '"></iframe><x-a><template shadowrootmode=open><iframe srcdoc=shadowed></iframe></template></x-a>'
    )
    assert await tab.until(lambda: len(tab.frames) == 5, soon())
    assert await tab.until(lambda: all("load" in f.reached for f in tab.frames.values() if f.parent_id), soon())
    seen = await observe(call_of(tab), ObserveRequest(bounding_boxes=True, include_accessibility_tree=True))
    lines = [line.split(" [ref=")[0] for line in inside(seen.accessibility_tree).split("\n")]
    assert lines[0].startswith("- paragraph [box=0,0,")
    assert lines[1:] == [
        '- iframe "one"',
        "  - text: in",
        "  - iframe",
        '    - button "deep"',
        "- iframe",
        "  - text: shadowed",
    ]
    assert "[box=8,79,16,9]" in seen.accessibility_tree
    texts = await page_texts(call_of(tab), dom_bytes=10_000, text_bytes=10_000)
    assert texts.visible_text.split("\n") == ["text", "in", "deep", "shadowed"]
    assert "          <iframe" in texts.dom and "<button> deep" in texts.dom and "unseen" in texts.dom
    inside_one = await observe(call_of(tab), ObserveRequest(root="frame=iframe[title=one] >> css=body"))
    assert "deep" in inside_one.accessibility_tree and "shadowed" not in inside_one.accessibility_tree


HANGING = b"<p>in<script>setTimeout(() => { for (;;); })</script>"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The page from one host, the frame in it from another: Chromium gives them a process each."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    port = writer.get_extra_info("sockname")[1]
    outer = f"<h1>Page</h1><iframe src=http://b.test:{port}/in></iframe><p>after".encode()
    body = HANGING if " /in " in head else outer
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + body)
    await writer.drain()
    writer.close()


async def test_a_frame_that_hangs_does_not_hold_up_the_page(
    tab: Tab, call_of: CallOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "FRAME_S", 0.3)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await tab.session.call("Page.navigate", {"url": f"http://a.test:{port}/"}, deadline=soon())
        assert await tab.until(lambda: any(f.session is not tab.session for f in tab.frames.values()), soon())
        seen = await observe(call_of(tab), ObserveRequest(include_accessibility_tree=True, include_visible_text=True))
    first, second, third = inside(seen.accessibility_tree).split("\n")
    assert (first, third) == ('- heading "Page" [level=1]', "- paragraph: after")
    assert second.startswith("- iframe [ref=") and second.endswith("[unresponsive]")
    assert inside(seen.visible_text) == "Page\nafter"


async def test_a_page_that_is_not_read_in_time_without_chromiums_tree_is_too_large(
    show: Show, call_of: CallOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above so many elements it is read by the rules alone, and where that takes too long the page is to blame."""
    tab = await show("<h1>Page</h1><p>text</p>")
    monkeypatch.setattr(accessibility, "MAX_ELEMENTS", 1)
    small = await observe(call_of(tab), ObserveRequest())
    assert inside(small.accessibility_tree).startswith('- heading "Page"')
    asked = accessibility.is_kept

    async def is_kept_of_a_page_that_takes_long(frame: Frame, deadline: float) -> bool:
        kept = await asked(frame, deadline)
        tab.session.notify("Runtime.evaluate", {"expression": "for (;;);", "timeout": 3500})
        return kept

    monkeypatch.setattr(frames, "is_kept", is_kept_of_a_page_that_takes_long)
    with pytest.raises(ActionError) as refused:
        await observe(call_of(tab, patience_s=0.2), ObserveRequest())
    assert refused.value.code is Failure.PAGE_TOO_LARGE
    monkeypatch.undo()
    await tab.session.call("Runtime.evaluate", {"expression": "1"}, deadline=soon())
    assert inside((await observe(call_of(tab), ObserveRequest())).accessibility_tree)


@pytest.mark.parametrize("most", [1, 200, 400])
async def test_every_text_keeps_to_its_bytes_with_its_fence_down_to_the_least(
    show: Show, call_of: CallOf, most: int
) -> None:
    """The fence is counted in; so small that only the fence would fit, 64 bytes of the page are still told."""
    tab = await show("<p>é and more</p>" * 500)
    asked = ObserveRequest(
        include_accessibility_tree=True, include_dom_snapshot=True, include_visible_text=True,
        max_bytes=most, max_dom_snapshot_bytes=most, max_visible_text_bytes=most,
    )  # fmt: skip
    seen = await observe(call_of(tab), asked)
    for text in (seen.accessibility_tree, seen.dom_snapshot, seen.visible_text):
        around = len(text.encode()) - len(inside(text).encode())
        assert len(inside(text)) > 0 and len(text.encode()) <= max(most, around + 64)
    assert seen.accessibility_tree_truncated and seen.dom_truncated and seen.visible_text_truncated


async def test_a_page_that_hangs_is_unresponsive(show: Show, call_of: CallOf) -> None:
    tab = await show("<h1>Page</h1>")
    tab.session.notify("Runtime.evaluate", {"expression": "for (;;);", "timeout": 1500})
    with pytest.raises(ActionError) as hung:
        await observe(call_of(tab, patience_s=0.1), ObserveRequest())
    assert hung.value.code is Failure.PAGE_UNRESPONSIVE


async def test_a_page_that_goes_on_while_it_is_read_is_read_as_it_then_is(show: Show, call_of: CallOf) -> None:
    tab = await show("<button>first</button>")
    await observe(call_of(tab), ObserveRequest())
    tab.session.notify("Page.navigate", {"url": "data:text/html,<button>second</button>"})
    for _ in range(20):
        seen = await observe(call_of(tab), ObserveRequest())
        assert "- button" in seen.accessibility_tree or inside(seen.accessibility_tree) == ""
        if "second" in seen.accessibility_tree:
            return
    raise AssertionError(seen.accessibility_tree)


async def test_titles_are_cut_to_whole_characters(show: Show, call_of: CallOf) -> None:
    tab = await show("<title>čaj</title>")
    told = await get_title(call_of(tab), GetTitleRequest())
    assert (told.title, told.page_url) == ("čaj", "about:blank")
    assert (await get_title(call_of(tab), GetTitleRequest(max_title_bytes=1))).title == ""
    assert (await get_title(call_of(tab, title_bytes=2), GetTitleRequest(max_title_bytes=9))).title == "č"


async def test_a_selection_is_told_from_whichever_frame_has_it(show: Show, call_of: CallOf) -> None:
    tab = await show("<p>one</p><iframe srcdoc='<p>two three</p>'></iframe><input type=password value=s3cret>")
    assert await tab.until(lambda: len(tab.frames) == 2, soon())
    call = call_of(tab)
    assert (await capture_selection(call, CaptureSelectionRequest())).selected_text == ""
    await page_runs(tab, "document.querySelector('input').select()")
    assert (await capture_selection(call, CaptureSelectionRequest())).selected_text == ""
    await page_runs(tab, "frames[0].getSelection().selectAllChildren(frames[0].document.body)")
    told = await capture_selection(call, CaptureSelectionRequest())
    assert (told.selected_text, told.truncated) == ("two three", False)
    told = await capture_selection(call, CaptureSelectionRequest(max_selection_bytes=5))
    assert (told.selected_text, told.truncated) == ("two t", True)
    told = await capture_selection(call, CaptureSelectionRequest(selector="css=p"))
    assert (told.selected_text, told.selector) == ("one", "css=p")
