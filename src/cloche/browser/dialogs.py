"""Dialog: answer the one that is open."""

from cloche.browser.call import Call
from cloche.browser.contract.actions import DialogRequest, DialogResponse


async def dialog(call: Call, request: DialogRequest) -> DialogResponse:
    """Raises: ActionError (`no_dialog`)."""
    text = request.prompt_text
    answered = await call.tab.answer_dialog(accept=request.accept, prompt_text=text, deadline=call.deadline)
    return DialogResponse(dialog=answered)
