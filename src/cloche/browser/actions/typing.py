"""Typing texts and pressing keys."""

import msgspec

from cloche.browser.actions.devices import Step, key, pause, send, turn
from cloche.browser.call import Call
from cloche.browser.contract.actions import PressRequest, PressResponse, TypeRequest, TypeResponse
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.effects import Watch, watching
from cloche.browser.keyboard import events_of, events_of_text, parse_chord
from cloche.browser.locate import Answer, Found, on_element


async def type_text(call: Call, request: TypeRequest) -> TypeResponse:
    """Type key by key, or with `fill` set all of it at once.

    Typing goes on at the end of what is in the field, or where the caret is in one that has the focus already.
    """
    size = len(request.text.encode("utf-8", "surrogatepass"))
    if size > call.limits.type_bytes:
        detail = f"the text is {size} bytes long; at most {call.limits.type_bytes} are typed"
        raise ActionError(Failure.INPUT_TOO_LARGE, detail)
    with watching(call.tab) as watch:
        call.tab.require_no_dialog()
        found = await _begin(call, request)
        groups = [] if request.fill else [[key(event) for event in events] for events in events_of_text(request.text)]
        if request.submit:
            groups.append([key(event) for event in events_of(parse_chord("Enter"))])
        async with turn(call.tab, call.deadline):
            went = await _strike(call, groups, request.delay_ms)
        await _require_seen(call, watch, found, expected=went and bool(groups) and not request.fill)
        effects = await watch.settle(call.deadline)
        return TypeResponse(matches=found.answer.matches if found else 0, effects=effects, typed_bytes=size)


async def press(call: Call, request: PressRequest) -> PressResponse:
    """Press a chord, on an element or on what has the focus."""
    chord = parse_chord(request.key)
    steps = [key(event) for event in events_of(chord)]
    downs = len(steps) - len(chord.modifiers) - 1
    with watching(call.tab) as watch:
        call.tab.require_no_dialog()
        found = None
        if request.selector:
            args: Json = {"editable": False, "clear": False}
            found = await on_element(
                call.tab, request.selector, "focusOn", args, Answer, strict=request.strict, deadline=call.deadline
            )
        if request.delay_ms:
            await send(call.tab, steps[:downs], call.deadline)
            await pause(request.delay_ms, call.deadline)
            went = call.tab.dialog is None and await send(call.tab, steps[downs:], call.deadline)
        else:
            went = await send(call.tab, steps, call.deadline)
        await _require_seen(call, watch, found, expected=went)
        effects = await watch.settle(call.deadline)
        return PressResponse(matches=found.answer.matches if found else 0, effects=effects, key=chord.name)


async def _begin(call: Call, request: TypeRequest) -> Found[Answer] | None:
    """Bring the focus to the field, and empty or fill it."""
    selector = request.selector
    if not selector:
        if not (request.fill or request.clear_existing):
            return None
        selector = ":focus:not(iframe)"
    function = "fill" if request.fill else "focusOn"
    args: Json = {"text": request.text} if request.fill else {"editable": True, "clear": request.clear_existing}
    strict = request.strict and bool(request.selector)
    return await on_element(
        call.tab,
        selector,
        function,
        args,
        Answer,
        strict=strict,
        deadline=call.deadline,
    )


async def _strike(call: Call, groups: list[list[Step]], delay_ms: int) -> bool:
    """Whether all keys were taken without a dialog in between."""
    if not delay_ms:
        return await send(call.tab, [step for group in groups for step in group], call.deadline)
    for number, group in enumerate(groups):
        if number:
            await pause(delay_ms, call.deadline)
        if not await send(call.tab, group, call.deadline):
            return False
    return True


async def _require_seen(call: Call, watch: Watch, found: Found[Answer] | None, *, expected: bool) -> None:
    """Make sure that the keys came to the element's document; also lets the page do what it has put off."""
    if found is None:
        if expected and not watch.is_navigating:
            await _barrier(call)
        return
    frame, document = found.frame, found.answer.document
    if not frame.tab.has(frame) or frame.document != document:
        return
    try:
        seen = msgspec.convert(await frame.run("keysSeen", {"document": document}, call.deadline), int)
    except ActionError as error:
        if error.code in (Failure.STALE_REF, Failure.NAVIGATED_AWAY, Failure.DIALOG_OPEN, Failure.TAB_NOT_FOUND):
            return
        raise
    if seen == 0 and expected and not watch.is_navigating:
        raise ActionError(Failure.NOT_EDITABLE, "the keys did not reach the element: something else took the focus")


async def _barrier(call: Call) -> None:
    try:
        await call.tab.main.run("pass", {}, call.deadline)
    except ActionError as error:
        if error.code not in (Failure.NAVIGATED_AWAY, Failure.DIALOG_OPEN, Failure.TAB_NOT_FOUND):
            raise
