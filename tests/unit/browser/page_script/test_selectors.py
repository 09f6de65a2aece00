"""Which elements the page script finds, against a real Chromium."""

import json
from typing import Any

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.locate import prepare
from cloche.browser.selector import parse_selector
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import CallOf, Show

PAGE = """<main>
<h1>The Shop</h1><h2 id=h2>Tea &amp; more</h2>
<ul id=list><li class=item>one</li><li class="item two">two</li><li class=item hidden>three</li></ul>
<button id=save title="Keep it">  Save
  all </button><button id=cancel disabled>Cancel</button><input id=go type=submit value=Go>
<label>Your name <input id=name placeholder="Ann Example"></label><label for=mail>Mail</label><input id=mail>
<span id=hint>Say so</span><input id=by aria-labelledby=hint><input id=box type=checkbox aria-label=Agree checked>
<img id=pic alt="A teapot"><div id=t data-testid=cart-1></div><script>const text = "Save all";</script>
<p id=outer>Hello <b id=bold>big</b> world</p><div id=hidden aria-hidden=true><button id=ah>Save all</button></div>
</main><x-card id=card><button id=slotted>Slotted</button></x-card><script>
card.attachShadow({mode: 'open'}).innerHTML = '<div class=in><button id=deep class=b>Deep</button><slot></slot></div>' +
  '<x-inner></x-inner>';
card.shadowRoot.querySelector('x-inner').attachShadow({mode: 'open'}).innerHTML = '<p class=x id=deeper>Deeper</p>';
</script>"""


async def found(tab: Tab, selector: str, call_of: CallOf) -> list[str]:
    """The ids of what is found, in order."""
    deadline = call_of(tab).deadline
    parts: Any = parse_selector(selector).to_json()
    await prepare(tab.main, parts, deadline)
    context = await tab.main.world(deadline)
    expression = f"cloche.findAll({json.dumps(parts)}).map((e) => e.id)"
    params = {"expression": f"cloche.probe = () => {expression}; 0", "contextId": context}
    await tab.session.call("Runtime.evaluate", params, deadline=deadline)
    ids: list[str] = await tab.main.run("probe", {}, deadline)
    return ids


@pytest.fixture
async def page(show: Show) -> Tab:
    return await show(PAGE)


CASES = [
    (".two", [""]),
    ("#save, #cancel", ["save", "cancel"]),
    ("x-card #deep", ["deep"]),
    ("#card .in > .b", ["deep"]),
    ("x-card .x", ["deeper"]),
    ("x-card > .x", []),
    ("main ~ x-card p", ["deeper"]),
    ("x-card >> p", ["deeper"]),
    ("x-card >> button", ["slotted", "deep"]),
    ("text=save all", ["save", "ah"]),
    ('text="Save all"', ["save", "ah"]),
    ('text="save all"', []),
    ('text="save all" i', ["save", "ah"]),
    ("text=/^Say\\s+s/", ["hint"]),
    ("text=hello big world", ["outer"]),
    ("text=big", ["bold"]),
    ("text=Go", ["go"]),
    ("text=deeper", ["deeper"]),
    ("text=const text", []),
    ("role=button", ["save", "cancel", "go", "slotted", "deep"]),
    ('role=button[name="Save all"]', ["save"]),
    ("role=button[disabled]", ["cancel"]),
    ('role=button[name="Save all"][include-hidden]', ["save", "ah"]),
    ("role=heading[level=2]", ["h2"]),
    ("role=checkbox[checked]", ["box"]),
    ("role=checkbox[checked=false]", []),
    ("role=textbox[name=/your/i]", ["name"]),
    ("role=img", ["pic"]),
    ("role=listitem >> nth=1", [""]),
    ("xpath=//h2", ["h2"]),
    ("//button[@id='save']", ["save"]),
    ("#list >> xpath=..", [""]),
    ("label=your name", ["name"]),
    ("label=Mail", ["mail"]),
    ('label="Say so"', ["by"]),
    ("label=agree", ["box"]),
    ("placeholder=ann", ["name"]),
    ("alt=teapot", ["pic"]),
    ("title=keep", ["save"]),
    ("testid=cart-1", ["t"]),
    ("testid=cart", []),
    ("main >> button >> nth=-1", ["ah"]),
    ("button >> nth=99", []),
    ("li >> visible=false", [""]),
    ("#name >> visible=true", ["name"]),
]


@pytest.mark.parametrize(("selector", "ids"), CASES, ids=[case[0] for case in CASES])
async def test_a_selector_finds(page: Tab, call_of: CallOf, selector: str, ids: list[str]) -> None:
    assert await found(page, selector, call_of) == ids


@pytest.mark.parametrize("selector", ["a:nonsense", "xpath=//[", "xpath=count(//p)", "text=/(?<n>a)(?<n>b)/"])
async def test_what_no_engine_understands_is_an_invalid_selector(page: Tab, call_of: CallOf, selector: str) -> None:
    with pytest.raises(ActionError) as caught:
        await found(page, selector, call_of)
    assert caught.value.code is Failure.INVALID_SELECTOR


async def test_a_search_ends_at_its_deadline(show: Show, call_of: CallOf) -> None:
    tab = await show("<body><script>document.body.innerHTML = '<p><b>x</b></p>'.repeat(15000)</script>")
    parts = [{"engine": "text", "match": {"pattern": "y", "flags": ""}}]
    with pytest.raises(ActionError) as caught:
        await tab.main.run("count", {"parts": parts}, call_of(tab, patience_s=0.005).deadline)
    assert caught.value.code is Failure.TIMEOUT


async def test_ten_thousand_matches_are_enough(show: Show, call_of: CallOf) -> None:
    tab = await show("<body><script>document.body.innerHTML = '<i></i>'.repeat(12000)</script>")
    counted = await tab.main.run("count", {"parts": [{"engine": "css", "css": "i"}]}, call_of(tab).deadline)
    assert counted["attached"] == 10_000
