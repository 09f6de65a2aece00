"""Typing and pressing keys, against a real Chromium."""

from collections.abc import Awaitable

import pytest

from cloche.browser.actions.typing import press, type_text
from cloche.browser.contract.actions import PressRequest, TypeRequest
from cloche.browser.contract.common import ActionError, Failure

from .conftest import Ask, CallOf, Show

SOON_S = 0.2


async def failure(action: Awaitable[object]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        await action
    return caught.value


async def test_typing_sends_a_key_for_each_character(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<input id=i value='so: '><script>window.log = []; for (const type of ['keydown', 'keyup', 'input'])"
        " i['on' + type] = (e) => log.push(type + (e.key ?? e.data) + e.isTrusted)</script>"
    )
    answer = await type_text(call_of(tab), TypeRequest(selector="#i", text="aßÉ 日👩"))
    assert answer.typed_bytes == len("aßÉ 日👩".encode())
    assert await ask("i.value") == "so: aßÉ 日👩"
    assert (await ask("log"))[:3] == ["keydownatrue", "inputatrue", "keyupatrue"]


async def test_what_was_there_is_cleared_on_request(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<input id=i value=old><textarea id=t>old\nlines</textarea><p id=p contenteditable>old <b>text</b></p>"
    )
    for selector in ("#i", "#t", "#p"):
        await type_text(call_of(tab), TypeRequest(selector=selector, text="new", clear_existing=True))
    assert await ask("[i.value, t.value, p.textContent]") == ["new", "new", "new"]


async def test_submitting_presses_enter_and_tells_of_the_navigation(show: Show, call_of: CallOf) -> None:
    tab = await show("<form action='about:blank'><input id=i name=q></form>")
    answer = await type_text(call_of(tab), TypeRequest(selector="#i", text="x", submit=True))
    assert (answer.effects.navigated, answer.effects.navigated_url) == (True, "about:blank?q=x")


async def test_typing_goes_to_what_has_the_focus(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input id=i autofocus><script>i.focus()</script>")
    await type_text(call_of(tab), TypeRequest(text="abc", delay_ms=1))
    assert await ask("i.value") == "abc"
    await type_text(call_of(tab), TypeRequest(text="d", clear_existing=True))
    assert await ask("i.value") == "d"


@pytest.mark.parametrize(
    "html",
    [
        "<input id=i readonly>",
        "<input id=i type=checkbox>",
        "<button id=i>x</button>",
        "<div id=i>x</div>",
        "<p id=i aria-readonly=true>x",
        "<select id=i><option>x</select>",
    ],
)
async def test_what_takes_no_text_is_not_editable(show: Show, call_of: CallOf, html: str) -> None:
    tab = await show(html)
    for fill in (False, True):
        request = TypeRequest(selector="#i", text="x", fill=fill)
        assert (await failure(type_text(call_of(tab, patience_s=0.1), request))).code is Failure.NOT_EDITABLE


async def test_a_disabled_or_hidden_field_is_waited_for(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input id=i disabled><input id=h hidden>")
    request = TypeRequest(selector="#i", text="x")
    assert (await failure(type_text(call_of(tab, patience_s=SOON_S), request))).code is Failure.NOT_ENABLED
    request = TypeRequest(selector="#h", text="x")
    assert (await failure(type_text(call_of(tab, patience_s=SOON_S), request))).code is Failure.NOT_VISIBLE
    await ask("setTimeout(() => { h.hidden = false }, 30); 0")
    await type_text(call_of(tab), request)
    assert await ask("h.value") == "x"


async def test_too_long_a_text_is_refused_before_anything_is_typed(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input id=i value=old>")
    request = TypeRequest(selector="#i", text="é" * 6, clear_existing=True)
    assert (await failure(type_text(call_of(tab, type_bytes=11), request))).code is Failure.INPUT_TOO_LARGE
    assert await ask("i.value") == "old"


@pytest.mark.parametrize(
    ("html", "text", "value"),
    [
        ("<input id=i value=old>", "new", "new"),
        ("<input id=i value=old>", "", ""),
        ("<input id=i maxlength=3>", "abcdef", "abc"),
        ("<input id=i type=password>", "pässword", "pässword"),
        ("<textarea id=i>old</textarea>", "a\nb", "a\nb"),
        ("<input id=i type=date>", "2026-11-22", "2026-11-22"),
        ("<input id=i type=color>", "#AABBCC", "#aabbcc"),
        ("<input id=i type=range max=10>", "7", "7"),
        ("<input id=i type=number>", "-2.5", "-2.5"),
        ("<input id=i type=email>", "a@b.test", "a@b.test"),
        ("<label id=l>Name <input id=i></label>", "Ann", "Ann"),
    ],
)
async def test_filling_sets_the_value_and_tells_the_page(
    show: Show, ask: Ask, call_of: CallOf, html: str, text: str, value: str
) -> None:
    tab = await show(html + "<script>told = 0; i.addEventListener('input', () => told++)</script>")
    selector = "#l" if "id=l" in html else "#i"
    await type_text(call_of(tab), TypeRequest(selector=selector, text=text, fill=True))
    assert await ask("[i.value, told]") == [value, 1]


async def test_filling_is_noticed_by_frameworks_that_watch_the_value(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<input id=i type=date><script>window.own = '';"
        "const {get, set} = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');"
        "Object.defineProperty(i, 'value', {get() { return get.call(this) }, set(v) { own = v; set.call(this, v) }});"
        "i.addEventListener('input', () => { noticed = i.value !== own })</script>"
    )
    await type_text(call_of(tab), TypeRequest(selector="#i", text="2026-11-22", fill=True))
    assert await ask("noticed") is True


async def test_filling_an_editor_replaces_its_text(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<div id=e contenteditable>old <b>text</b></div>")
    await type_text(call_of(tab), TypeRequest(selector="#e", text="new", fill=True))
    assert await ask("e.textContent") == "new"


@pytest.mark.parametrize("kind", ["date", "number", "time", "color"])
async def test_a_value_that_the_field_does_not_take_is_told(show: Show, call_of: CallOf, kind: str) -> None:
    tab = await show(f"<input id=i type={kind}>")
    request = TypeRequest(selector="#i", text="nonsense", fill=True)
    error = await failure(type_text(call_of(tab, patience_s=0.1), request))
    assert error.code is Failure.VALUE_NOT_FOUND


async def test_a_chord_is_pressed_on_an_element(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<input id=i value=abc><button id=b onkeydown='got = [event.key, event.ctrlKey]'>x</button>")
    assert (await press(call_of(tab), PressRequest(selector="#i", key="Ctrl+a"))).key == "Control+a"
    await press(call_of(tab), PressRequest(key="Delete", delay_ms=1))
    assert await ask("i.value") == ""
    await press(call_of(tab), PressRequest(selector="#b", key="Control+k"))
    assert await ask("got") == ["k", True]
    assert (await failure(press(call_of(tab), PressRequest(key="Entr")))).code is Failure.INVALID_KEY


async def test_keys_go_into_frames_and_shadow_roots(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<iframe id=f srcdoc='<input>'></iframe><x-a id=a></x-a>"
        "<script>a.attachShadow({mode: 'open'}).innerHTML = '<input class=s>'</script>"
    )
    await type_text(call_of(tab), TypeRequest(selector="frame=iframe >> input", text="in frame"))
    await type_text(call_of(tab), TypeRequest(selector="x-a .s", text="in shadow"))
    values = "[f.contentDocument.querySelector('input').value, a.shadowRoot.firstChild.value]"
    assert await ask(values) == ["in frame", "in shadow"]


async def test_keys_that_do_not_reach_the_element_are_no_success(show: Show, call_of: CallOf) -> None:
    tab = await show(
        "<input id=i><iframe id=f srcdoc='<input>'></iframe><script>i.onfocus = () => Promise.resolve().then(() => {"
        "f.contentWindow.focus(); f.contentDocument.querySelector('input').focus() })</script>"
    )
    await call_of(tab).tab.main.run("pass", {}, call_of(tab).deadline)
    error = await failure(type_text(call_of(tab, patience_s=1), TypeRequest(selector="#i", text="x")))
    assert error.code is Failure.NOT_EDITABLE


async def test_a_dialog_on_the_way_ends_the_typing(show: Show, call_of: CallOf) -> None:
    tab = await show("<input id=i onkeydown='if (event.key === `b`) alert(1)'>")
    answer = await type_text(call_of(tab), TypeRequest(selector="#i", text="abc"))
    assert answer.effects.dialog is not None
    await tab.answer_dialog(accept=True, prompt_text="", deadline=call_of(tab).deadline)
