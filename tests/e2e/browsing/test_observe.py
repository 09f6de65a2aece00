"""What an agent is shown: a snapshot with refs, in parts or as a difference, and never what is secret or hidden."""

import itertools

import pytest

from .conftest import MakeHands
from .hands import REF, SOON_MS, Hands

ZOO = (
    'heading "The zoo" [level=1]', 'link "First"', 'textbox "Text"', 'checkbox "Checked" [checked',
    'checkbox "Unchecked"', 'checkbox "Mixed" [checked=mixed', 'radio "Radio" [checked', 'switch "Switch" [checked',
    'slider "Level"', 'spinbutton "Count"', 'combobox "Choice"', 'button "Save"',
    'button "Cannot" [disabled', 'button "Pressed" [pressed', 'table "Prices"', 'tab "A" [selected',
    'treeitem "Root"', 'img "A picture"', 'button "Titled"',
    "Something happened", "日本語", "שלום",
)  # fmt: skip


async def test_a_snapshot_names_roles_names_states_and_values(hands: Hands) -> None:
    await hands.goto("zoo.html")
    tree = await hands.tree()
    assert [wanted for wanted in ZOO if wanted not in tree] == [], tree
    assert "some text" in tree
    assert "Not read" not in tree
    assert "Folded away" not in tree


async def test_a_snapshot_is_lines_of_two_spaces_for_each_step(hands: Hands) -> None:
    await hands.goto("zoo.html")
    answer = await hands.do("Observe")
    lines = [line for line in answer["accessibility_tree"].splitlines() if not line.startswith(answer["fence"])]
    indents = [len(line) - len(line.lstrip(" ")) for line in lines]
    assert all(line.lstrip(" ").startswith("- ") for line in lines), answer["accessibility_tree"]
    assert all(indent % 2 == 0 for indent in indents)
    assert all(after <= before + 2 for before, after in itertools.pairwise(indents))
    assert answer["element_count"] == len(lines)


@pytest.mark.promise("a-ref-names-one-element")
async def test_a_ref_acts_on_its_own_element_whatever_comes_before_it(hands: Hands) -> None:
    await hands.goto("buttons.html")
    refs = REF.findall("\n".join(line for line in (await hands.tree()).splitlines() if '"Same"' in line))
    assert len(set(refs)) == 2
    await hands.js("document.body.prepend(...Array.from({length: 20}, () => document.createElement('button')))")
    await hands.do("Click", selector=f"ref={refs[1]}")
    assert [one["id"] for one in await hands.log("click")] == ["same2"]


async def test_the_same_element_keeps_its_ref_and_another_never_gets_it(hands: Hands) -> None:
    await hands.goto("buttons.html")
    before = await hands.ref('button "Plain"')
    assert await hands.ref('button "Plain"') == before
    await hands.js("plain.outerHTML = plain.outerHTML")
    after = await hands.ref('button "Plain"')
    assert after != before
    assert await hands.failure("Click", selector=f"ref={before}", timeout_ms=SOON_MS) == "stale_ref"
    await hands.do("Click", selector=f"ref={after}")


async def test_a_ref_ends_with_its_document(hands: Hands) -> None:
    await hands.goto("buttons.html")
    ref = await hands.ref('button "Plain"')
    await hands.do("Reload")
    assert await hands.failure("Click", selector=f"ref={ref}", timeout_ms=SOON_MS) == "stale_ref"
    assert set(REF.findall(await hands.tree())).isdisjoint({ref})
    await hands.goto("empty.html")
    assert await hands.failure("Click", selector=f"ref={ref}", timeout_ms=SOON_MS) == "stale_ref"


async def test_a_ref_of_another_session_is_none(hands: Hands, make_hands: MakeHands) -> None:
    other = await make_hands()
    await other.goto("buttons.html")
    ref = await other.ref('button "Plain"')
    await hands.goto("buttons.html")
    # The shared session has long had refs of its own; whether this one is old or never was, it is nobody else's.
    assert await hands.failure("Click", selector=f"ref={ref}", timeout_ms=SOON_MS) in ("unknown_ref", "stale_ref")
    assert not await hands.log("click")


@pytest.mark.parametrize("ref", ["zzzzzz", "e1", "a" * 300, "'; drop", "AbCd12"])
async def test_a_ref_that_never_was_is_unknown(hands: Hands, ref: str) -> None:
    await hands.goto("buttons.html")
    code = await hands.failure("Click", selector=f"ref={ref}", timeout_ms=SOON_MS)
    assert code in ("unknown_ref", "invalid_selector")


@pytest.mark.promise("passwords-stay-in-the-page")
async def test_what_is_in_password_fields_is_in_no_answer(hands: Hands) -> None:
    await hands.goto("password.html")
    await hands.do("Type", selector="#password", text="typed-s3cret", clear_existing=True)
    await hands.do("Click", selector="#show")
    seen = [
        await hands.do(
            "Observe", include_accessibility_tree=True, include_dom_snapshot=True, include_visible_text=True
        ),
        await hands.do("InspectSession"),
        await hands.do("ActionLog"),
        await hands.do("ConsoleLog"),
        await hands.fail("Type", selector="#password", text="typed-s3cret\0" + "x" * 65_000, timeout_ms=1),
    ]
    await hands.do("Click", selector="#send")
    seen.append(await hands.do("NetworkLog", include_headers=True))
    assert "s3cret" not in repr(seen)
    assert "4111111111111111" not in repr(seen)


async def test_that_a_password_is_filled_in_can_be_seen(hands: Hands) -> None:
    await hands.goto("password.html")
    (line,) = [line for line in (await hands.tree()).splitlines() if 'textbox "Password"' in line]
    assert "filled" not in line
    await hands.do("Click", selector="#echo")
    assert await hands.js("said.textContent") == "13 letters"


async def test_visible_text_is_what_can_be_seen(hands: Hands) -> None:
    await hands.goto("hidden.html")
    text = (await hands.do("Observe", include_visible_text=True))["visible_text"]
    wanted = ("seen-heading", "seen-paragraph", "seen-bold", "seen-not-read", "seen-within-unseen", "seen-summary",
              "seen-titled", "seen-below-the-fold", "seen-option")  # fmt: skip
    assert [word for word in wanted if word not in text] == [], text
    assert [word for word in text.split() if word.startswith(("hidden-", "unchosen"))] == []


async def test_page_text_stands_between_fences_that_the_page_cannot_know(hands: Hands) -> None:
    await hands.goto("injection.html")
    flags = {"include_accessibility_tree": True, "include_visible_text": True, "include_dom_snapshot": True}
    first, second = await hands.do("Observe", **flags), await hands.do("Observe", **flags)
    assert first["fence"] != second["fence"]
    for part in ("accessibility_tree", "visible_text", "dom_snapshot"):
        lines = first[part].splitlines()
        assert lines[0].startswith(first["fence"])
        assert lines[-1].startswith(first["fence"])
        assert sum(line.startswith(first["fence"]) for line in lines) == 2


async def test_a_page_cannot_write_lines_of_a_snapshot(hands: Hands) -> None:
    await hands.goto("injection.html")
    tree = await hands.tree()
    lines = [line.strip() for line in tree.splitlines()]
    for forged in ("aaaaaa", "bbbbbb", "cccccc", "dddddd"):
        assert not any(line.endswith(f"[ref={forged}]") for line in lines), tree
        code = await hands.failure("Click", selector=f"ref={forged}", timeout_ms=SOON_MS)
        assert code in ("unknown_ref", "invalid_selector")
    assert not any(line.startswith(('- button "forged"', '- button "Send money"', '- button "Pay"')) for line in lines)


async def test_a_large_snapshot_comes_in_pages_that_make_one(hands: Hands) -> None:
    await hands.goto("big.html?nodes=2000")
    whole = await hands.do("Observe", max_bytes=1 << 20)
    assert not whole["accessibility_tree_truncated"]
    assert whole["next_cursor"] == ""
    lines, cursor, pages = [], "", 0
    while True:
        page = await hands.do("Observe", max_bytes=8000, cursor=cursor)
        assert len(page["accessibility_tree"].encode()) <= 8000
        lines += _lines(page)
        pages += 1
        if not (cursor := page["next_cursor"]):
            break
        assert page["accessibility_tree_truncated"]
    assert pages > 3
    assert [line for line in _lines(whole) if line not in set(lines)] == []


async def test_a_cursor_that_never_was_is_a_failure(hands: Hands) -> None:
    await hands.goto("empty.html")
    assert await hands.failure("Observe", cursor="never") == "snapshot_not_found"
    assert await hands.failure("Observe", diff_from="never") == "snapshot_not_found"


async def test_a_difference_shows_what_has_changed_and_nothing_else(hands: Hands) -> None:
    await hands.goto("big.html?nodes=1000")
    before = await hands.do("Observe", max_bytes=1 << 20)
    await hands.js("void (document.querySelectorAll('button')[50].textContent = 'Changed')")
    after = await hands.do("Observe", diff_from=before["snapshot_id"], max_bytes=1 << 20)
    assert after["is_diff"]
    changed = [line for line in _lines(after) if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    assert any("Changed" in line for line in changed if line.startswith("+"))
    assert any("Do 50" in line for line in changed if line.startswith("-"))
    assert len(changed) <= 6
    same = await hands.do("Observe", diff_from=after["snapshot_id"])
    assert [line for line in _lines(same) if line[:1] in "+-" and not line.startswith(("+++", "---"))] == []


async def test_a_search_shows_its_lines_and_what_they_are_in(hands: Hands) -> None:
    await hands.goto("big.html?nodes=2000")
    answer = await hands.do("Observe", search="do 77")
    assert answer["matched_count"] == 1
    lines = _lines(answer)
    (line,) = [line for line in lines if "Do 77" in line]
    assert len(lines) < 10
    await hands.do("Click", selector=f"ref={REF.findall(line)[0]}")


async def test_interactive_only_leaves_what_can_be_used(hands: Hands) -> None:
    await hands.goto("zoo.html")
    tree = await hands.tree(interactive_only=True)
    for wanted in ('button "Save"', 'textbox "Text"', 'link "First"', 'checkbox "Mixed"', 'combobox "Choice"'):
        assert wanted in tree
    assert "paragraph" not in tree
    assert 'cell "Tea"' not in tree
    assert 'img "A picture"' not in tree


async def test_a_part_of_the_page_is_shown_alone(hands: Hands) -> None:
    await hands.goto("zoo.html")
    tree = await hands.tree(root='section[aria-label="Buttons"]')
    assert 'button "Save"' in tree
    assert 'textbox "Text"' not in tree
    assert await hands.failure("Observe", root="#none", timeout_ms=SOON_MS) == "selector_not_found"


async def test_boxes_are_where_the_elements_are(hands: Hands) -> None:
    await hands.goto("canvas.html")
    await hands.js("document.body.insertAdjacentHTML('beforeend', '<button style=\"position: fixed; left: 20px; "
                   "top: 30px; width: 80px; height: 40px\">Boxed</button>')")  # fmt: skip
    (line,) = [line for line in (await hands.tree(bounding_boxes=True)).splitlines() if "Boxed" in line]
    assert "[box=20,30,80,40]" in line


async def test_the_dom_is_shown_without_scripts_and_within_its_bytes(hands: Hands) -> None:
    await hands.goto("forms.html")
    answer = await hands.do("Observe", include_dom_snapshot=True)
    assert "<form" in answer["dom_snapshot"]
    assert "watch(document" not in answer["dom_snapshot"]
    assert answer["accessibility_tree"] == ""
    cut = await hands.do("Observe", include_dom_snapshot=True, max_dom_snapshot_bytes=500)
    assert cut["dom_truncated"]
    assert len(cut["dom_snapshot"].encode()) <= 500


async def test_fifty_thousand_nodes_fit_into_what_was_asked_for(hands: Hands) -> None:
    await hands.goto("big.html?nodes=50000", timeout_ms=20_000)
    answer = await hands.do("Observe", max_bytes=20_000, timeout_ms=20_000)
    assert answer["accessibility_tree_truncated"]
    assert len(answer["accessibility_tree"].encode()) <= 20_000
    assert answer["element_count"] > 10_000


async def test_a_page_that_has_nothing_is_shown_as_that(hands: Hands) -> None:
    await hands.do("Navigate", url="about:blank")
    answer = await hands.do("Observe")
    assert answer["page_url"] == "about:blank"
    assert not REF.findall(answer["accessibility_tree"].replace("document", "")) or answer["element_count"] <= 1


def _lines(answer: dict[str, str]) -> list[str]:
    return [line for line in answer["accessibility_tree"].splitlines() if not line.startswith(answer["fence"])]
