"""A caller's script in a page, and what it may come to."""

import json

import pytest

from cloche.browser.contract.actions import EvaluateRequest
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.evaluate import evaluate
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import CallOf, Show


@pytest.mark.parametrize(
    ("expression", "type_", "value"),
    [
        ("1 + 1", "number", 2),
        ("'ü\\ud800'", "string", "ü\ufffd"),
        ("true", "boolean", True),
        ("null", "null", None),
        ("undefined", "undefined", None),
        ("() => 1", "function", None),
        ("Symbol('a')", "symbol", None),
        ("12345678901234567890n", "bigint", "12345678901234567890"),
        ("NaN", "number", None),
        ("-Infinity", "number", None),
        ("[1, [2], {a: undefined}]", "array", [1, [2], {}]),
        ("({a: 1, d: new Date(0)})", "object", {"a": 1, "d": "1970-01-01T00:00:00.000Z"}),
        ("Promise.resolve({a: 1})", "object", {"a": 1}),
        ("const a = 5; a * 2", "number", 10),
        ("document.title", "string", "page"),
    ],
)
async def test_a_result_comes_as_json(show: Show, call_of: CallOf, expression: str, type_: str, value: object) -> None:
    tab = await show("<title>page</title>")
    answer = await evaluate(call_of(tab), EvaluateRequest(expression=expression))
    assert (answer.type, json.loads(answer.value_json)) == (type_, value)


async def failure(call_of: CallOf, tab: Tab, expression: str, *, patience_s: float = 5.0, **fields: int) -> ActionError:
    with pytest.raises(ActionError) as failed:
        await evaluate(call_of(tab, patience_s=patience_s), EvaluateRequest(expression=expression, **fields))
    return failed.value


async def test_what_a_script_throws_is_told(tab: Tab, call_of: CallOf) -> None:
    error = await failure(call_of, tab, "function f() { throw new TypeError('bad') } f()")
    assert error.code is Failure.SCRIPT_ERROR
    assert error.detail.startswith("TypeError: bad\n    at f (")
    assert (await failure(call_of, tab, "throw 5")).detail == "5"
    assert (await failure(call_of, tab, "Promise.reject(new Error('late'))")).detail.startswith("Error: late")
    assert "SyntaxError" in (await failure(call_of, tab, "this is no script")).detail
    assert len((await failure(call_of, tab, "throw new Error('x'.repeat(5000))")).detail) <= 500


@pytest.mark.parametrize("expression", ["const a = {}; a.a = a; a", "({a: 1n})", "({toJSON() { throw 1 }})"])
async def test_what_is_no_json_is_not_serializable(tab: Tab, call_of: CallOf, expression: str) -> None:
    assert (await failure(call_of, tab, expression)).code is Failure.NOT_SERIALIZABLE


@pytest.mark.parametrize("expression", ["'x'.repeat(5000)", "['x'.repeat(5000)]", "'ü'.repeat(600)"])
async def test_a_result_that_is_too_large_is_refused(tab: Tab, call_of: CallOf, expression: str) -> None:
    assert (await failure(call_of, tab, expression, max_bytes=1000)).code is Failure.OUTPUT_TOO_LARGE


@pytest.mark.parametrize(
    "expression",
    [
        "while (true);",
        "(async () => { await 1; while (true); })()",
        "new Promise(() => 0)",
        "({toJSON() { while (true); }})",
        "globalThis.p = new Promise(() => 0)",
    ],
)
async def test_a_script_that_never_ends_leaves_the_page_usable(tab: Tab, call_of: CallOf, expression: str) -> None:
    error = await failure(call_of, tab, expression, patience_s=0.3)
    assert error.code in (Failure.TIMEOUT, Failure.SCRIPT_ERROR)
    assert (await evaluate(call_of(tab), EvaluateRequest(expression="1 + 1"))).value_json == "2"


async def test_a_dialog_ends_the_waiting(tab: Tab, call_of: CallOf) -> None:
    assert (await failure(call_of, tab, "confirm('sure?')")).code is Failure.DIALOG_OPEN
    assert (await failure(call_of, tab, "1")).code is Failure.DIALOG_OPEN
    await tab.answer_dialog(accept=True, prompt_text="", deadline=call_of().deadline)
    assert (await evaluate(call_of(tab), EvaluateRequest(expression="1"))).success


async def test_a_page_that_goes_away_is_told(tab: Tab, call_of: CallOf) -> None:
    error = await failure(call_of, tab, "new Promise(() => { location.href = 'about:blank#'; location.reload() })")
    assert error.code in (Failure.NAVIGATED_AWAY, Failure.TIMEOUT)


async def test_the_isolated_world_knows_nothing_of_the_pages_tricks(show: Show, call_of: CallOf) -> None:
    tab = await show("<p>one</p><script>document.querySelector = () => 7; var mine = 1</script>")
    trick = EvaluateRequest(expression="document.querySelector('p') === 7")
    assert (await evaluate(call_of(tab), trick)).value_json == "true"
    clean = EvaluateRequest(expression="document.querySelector('p').textContent + typeof mine", isolated=True)
    assert (await evaluate(call_of(tab), clean)).value_json == '"oneundefined"'


async def test_a_frame_is_chosen_by_its_iframe(show: Show, call_of: CallOf) -> None:
    tab = await show("<iframe id=a srcdoc='<script>var own = 5</script>inner'></iframe>")
    for isolated, expected in ((False, '"inner5"'), (True, '"innerundefined"')):
        expression = "document.body.textContent.trim() + (typeof own == 'undefined' ? undefined : own)"
        request = EvaluateRequest(expression=expression, frame_selector="#a", isolated=isolated)
        assert (await evaluate(call_of(tab), request)).value_json == expected
