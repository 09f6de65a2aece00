"""A tab's picture of its page, against a real Chromium."""

import asyncio

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.errors import HeldUpError
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import Show, soon


async def test_the_page_script_runs_in_every_frame_of_a_page(show: Show) -> None:
    tab = await show("<iframe srcdoc='<p>one</p><iframe srcdoc=two></iframe>'></iframe><iframe srcdoc=three></iframe>")
    assert await tab.until(lambda: len(tab.frames) == 4, soon())
    frames = tab.frames_in_order()
    assert [frame.parent_id for frame in frames] == ["", tab.id, frames[1].id, tab.id]
    for frame in frames:
        assert await frame.run("now", {}, soon()) > 0
    assert len({frame.document for frame in frames}) == 4


async def test_a_dialog_ends_the_waiting_and_stays_until_it_is_answered(tab: Tab) -> None:
    with pytest.raises(HeldUpError):
        await tab.session.call("Runtime.evaluate", {"expression": "prompt('who?', 'me')"}, deadline=soon())
    assert tab.dialog is not None
    assert (tab.dialog.type, tab.dialog.message, tab.dialog.default_prompt) == ("prompt", "who?", "me")
    with pytest.raises(ActionError) as refused:
        await tab.main.run("now", {}, soon())
    assert refused.value.code is Failure.DIALOG_OPEN
    await tab.answer_dialog(accept=True, prompt_text="you", deadline=soon())
    assert await tab.main.run("now", {}, soon()) > 0
    with pytest.raises(ActionError) as nothing:
        await tab.answer_dialog(accept=True, prompt_text="", deadline=soon())
    assert nothing.value.code is Failure.NO_DIALOG


async def test_a_page_that_crashes_fails_what_waits_for_it(tab: Tab) -> None:
    waiting = asyncio.ensure_future(tab.main.run("sleep", {}, soon()))  # noqa: TID251 - awaited below
    tab.session.notify("Page.crash")
    try:
        await waiting
    except ActionError as error:
        assert error.code is Failure.PAGE_CRASHED
    with pytest.raises(ActionError) as crashed:
        await tab.until(lambda: False, soon())
    assert crashed.value.code is Failure.PAGE_CRASHED


async def test_a_closed_tab_is_not_found(browser: Browser, tab: Tab) -> None:
    await browser.call("Target.closeTarget", {"targetId": tab.id})
    with pytest.raises(ActionError) as gone:
        await tab.until(lambda: False, soon())
    assert gone.value.code is Failure.TAB_NOT_FOUND
    with pytest.raises(ActionError):
        browser.tab(tab.id)
