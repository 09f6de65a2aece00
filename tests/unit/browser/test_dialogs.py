"""Answering the dialog of a page."""

import pytest

from cloche.browser.contract.actions import DialogRequest
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.dialogs import dialog
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import CallOf


async def test_a_prompt_gets_its_answer_and_is_told(tab: Tab, call_of: CallOf) -> None:
    asked = tab.session.begin("Runtime.evaluate", {"expression": "window.said = prompt('who?', 'me')"}, held_up=False)
    assert await tab.until(lambda: tab.dialog is not None, call_of().deadline)
    answer = await dialog(call_of(tab), DialogRequest(accept=True, prompt_text="you"))
    told = answer.dialog
    assert (told.type, told.message, told.default_prompt) == ("prompt", "who?", "me")
    assert b'"you"' in bytes(await asked)


async def test_without_a_dialog_there_is_nothing_to_answer(tab: Tab, call_of: CallOf) -> None:
    with pytest.raises(ActionError) as nothing:
        await dialog(call_of(tab), DialogRequest(accept=True))
    assert nothing.value.code is Failure.NO_DIALOG
