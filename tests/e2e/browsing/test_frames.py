"""Elements in shadow roots and in frames, of the page's own site and of others, are acted on like any other."""

import pytest

from .hands import REF, SOON_MS, Hands

# --- shadow roots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "hit"),
    [("#outer", "outer"), ("#slotted", "slotted"), ("#inner", "inner"), ('role=button[name="Inner"]', "inner"),
     ("text=Outer", "outer"), ("open-box >> inner-box >> button", "inner")],
)  # fmt: skip
async def test_open_shadow_roots_are_looked_into(hands: Hands, selector: str, hit: str) -> None:
    await hands.goto("shadow.html")
    await hands.do("Click", selector=selector)
    assert [one["id"] for one in await hands.log("click")] == [hit]


async def test_a_field_in_nested_shadow_roots_is_typed_into(hands: Hands) -> None:
    await hands.goto("shadow.html")
    await hands.do("Type", selector="label=Inner field", text="deep")
    inner = "document.querySelector('open-box').shadowRoot.querySelector('inner-box').shadowRoot"
    assert await hands.js(f"{inner}.getElementById('inner-field').value") == "deep"


async def test_a_ref_reaches_into_a_shadow_root(hands: Hands) -> None:
    await hands.goto("shadow.html")
    ref = await hands.ref('button "Inner"')
    await hands.do("Click", selector=f"ref={ref}")
    assert [one["id"] for one in await hands.log("click")] == ["inner"]


async def test_a_closed_shadow_root_stays_closed_to_css(hands: Hands) -> None:
    await hands.goto("shadow.html")
    assert await hands.failure("Click", selector="#shut", timeout_ms=SOON_MS) == "selector_not_found"


# --- frames ----------------------------------------------------------------------------------------------------------

FRAMES = {
    "of the same site": ("frame=#same >> #inner", "same"),
    "of another site, twice": ("frame=#other >> frame=#third >> #inner", "third"),
    "of another site, far below": ("frame=#far >> #inner", "far"),
    "in a sandbox": ("frame=#boxed >> #inner", "boxed"),
    "found without naming its frame": ('"Inner third"', "third"),
    "by its role": ('role=button[name="Inner far"]', "far"),
}


@pytest.mark.parametrize(("selector", "who"), FRAMES.values(), ids=FRAMES)
async def test_a_button_in_a_frame_is_clicked(hands: Hands, selector: str, who: str) -> None:
    await hands.goto("frames.html")
    await hands.do("Click", selector=selector)
    assert await hands.wait(f"heard.includes('{who} click inner true')")
    assert len(await hands.js("heard")) == 1


@pytest.mark.parametrize(("frame", "who"), [("frame=#same", "same"), ("frame=#other >> frame=#third", "third")])
async def test_a_field_in_a_frame_is_typed_into(hands: Hands, frame: str, who: str) -> None:
    await hands.goto("frames.html")
    await hands.do("Type", selector=f"{frame} >> label=Field", text="ab")
    assert await hands.wait(f"heard.includes('{who} input field true ab')")


async def test_a_frame_written_into_the_page_is_a_frame_too(hands: Hands) -> None:
    await hands.goto("frames.html")
    await hands.do("Click", selector="frame=#written >> #srcdoc")
    assert await hands.wait("written.contentDocument.title === 'clicked'")


async def test_without_a_frame_the_first_in_document_order_is_taken(hands: Hands) -> None:
    await hands.goto("frames.html")
    assert (await hands.do("Click", selector="#inner"))["matches"] >= 1
    assert await hands.wait("heard.includes('same click inner true')")


async def test_a_snapshot_holds_the_frames_within_each_other_and_its_refs_act_there(hands: Hands) -> None:
    await hands.goto("frames.html")
    tree = await hands.tree()
    for name in ("Top", "Inner same", "Middle", "Inner third", "In srcdoc", "Inner boxed", "Inner far"):
        assert f'button "{name}"' in tree, tree
    indent = {name: _indent(tree, f'button "{name}"') for name in ("Top", "Middle", "Inner third")}
    assert indent["Top"] < indent["Middle"] < indent["Inner third"]
    for name, who in [("Inner third", "third"), ("Inner far", "far")]:
        line = next(line for line in tree.splitlines() if f'button "{name}"' in line)
        match = REF.search(line)
        assert match
        await hands.do("Click", selector=f"ref={match[1]}")
        assert await hands.wait(f"heard.includes('{who} click inner true')")


async def test_an_expression_runs_in_the_frame_that_is_named(hands: Hands) -> None:
    await hands.goto("frames.html")
    assert await hands.js("document.title", frame_selector="#other") == "middle of other.test"
    third = await hands.js("location.search", frame_selector="frame=#other >> #third")
    assert third == "?who=third"


async def test_a_frame_that_has_gone_is_a_failure_and_not_another_frame(hands: Hands) -> None:
    await hands.goto("frames.html")
    ref = await hands.ref('button "Inner third"')
    await hands.js("other.remove()")
    assert await hands.failure("Click", selector=f"ref={ref}", timeout_ms=SOON_MS) in ("stale_ref", "detached")
    missing = "frame=#other >> frame=#third >> #inner"
    assert await hands.failure("Click", selector=missing, timeout_ms=SOON_MS) == "selector_not_found"


async def test_a_frame_that_goes_elsewhere_makes_its_refs_stale_and_leaves_the_others(hands: Hands) -> None:
    await hands.goto("frames.html")
    of_frame, of_page = await hands.ref('button "Inner same"'), await hands.ref('button "Top"')
    await hands.js("new Promise((done) => { same.onload = done; same.src = 'http://cdn.test/pages/buttons.html'; })")
    assert await hands.failure("Click", selector=f"ref={of_frame}", timeout_ms=SOON_MS) == "stale_ref"
    await hands.do("Click", selector=f"ref={of_page}")
    await hands.do("Click", selector="frame=#same >> #plain")


async def test_what_covers_a_frame_covers_what_is_in_it(hands: Hands) -> None:
    await hands.goto("frames.html")
    cover = "Object.assign(document.createElement('div'), {id: 'cover'})"
    await hands.js(f"document.body.append({cover}); cover.style.cssText = 'position: fixed; inset: 0; z-index: 9'")
    selector = "frame=#other >> frame=#third >> #inner"
    assert await hands.failure("Click", selector=selector, timeout_ms=SOON_MS) == "covered"
    assert await hands.js("heard") == []


def _indent(tree: str, text: str) -> int:
    line = next(line for line in tree.splitlines() if text in line)
    return len(line) - len(line.lstrip())
