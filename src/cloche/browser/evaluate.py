"""Evaluate: a caller's own script in a page, its result as JSON."""

import asyncio
import json
from typing import Any, Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.actions import EvaluateRequest, EvaluateResponse
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import (
    AnswerTooLargeError,
    DevToolsError,
    NoAnswerError,
    RefusedError,
    TargetGoneError,
)
from cloche.browser.frame import Frame, told
from cloche.browser.locate import enter_frames, split_at_frames
from cloche.browser.main_thread import release
from cloche.browser.main_worlds import main_world
from cloche.browser.selector import parse_selector

DEFAULT_BYTES: Final = 1 << 20
MAX_ERROR_CHARS: Final = 500
WORLD: Final = "cloche-evaluate"
"""Apart from the page script's, where a caller could take its functions away from it."""
_SLACK_S: Final = 0.3
_AGAIN_S: Final = 0.02
_GROUP: Final = "cloche-evaluate"

# The page may have put its own JSON in place; what it makes of its own values is its own matter. That it is a text, and
# how long, it cannot feign.
_TO_JSON: Final = """function (most) {
  const text = JSON.stringify(this);
  if (typeof text !== 'string') return null;
  return text.length > most ? text.length : text;
}"""


class _Value(msgspec.Struct):
    """CDP Runtime.RemoteObject."""

    type: str = ""
    subtype: str = ""
    value: Any = None
    unserializableValue: str = ""
    objectId: str = ""
    description: str = ""


class _Thrown(msgspec.Struct):
    """CDP Runtime.ExceptionDetails."""

    text: str = ""
    exception: _Value | None = None


class _Outcome(msgspec.Struct):
    result: _Value = msgspec.field(default_factory=_Value)
    exceptionDetails: _Thrown | None = None


class _World(msgspec.Struct):
    executionContextId: int


async def evaluate(call: Call, request: EvaluateRequest) -> EvaluateResponse:
    """Raises: ActionError (`script_error`, `not_serializable`, `output_too_large`, `timeout`, `dialog_open` …)."""
    tab = call.tab
    tab.require_no_dialog()
    frame = await _frame(call, request.frame_selector)
    most = request.max_bytes or DEFAULT_BYTES
    try:
        outcome = await _run_once_there(call, frame, request)
        if (thrown := outcome.exceptionDetails) is not None:
            raise ActionError(Failure.SCRIPT_ERROR, described(thrown))
        value = outcome.result
        if value.objectId and value.type == "object":
            return EvaluateResponse(value_json=await _to_json(call, frame, value, most), type=type_of(value))
        return EvaluateResponse(value_json=_fitting(plain_json(value), most), type=type_of(value))
    except NoAnswerError:
        await release(frame.session)
        raise ActionError(Failure.TIMEOUT, "the script did not end in time") from None
    except RefusedError as error:
        raise _refusal(error, is_late=asyncio.get_running_loop().time() > call.deadline - _SLACK_S) from None
    except DevToolsError as error:
        raise told(error) from None
    finally:
        frame.session.notify("Runtime.releaseObjectGroup", {"objectGroup": _GROUP})


async def _frame(call: Call, selector: str) -> Frame:
    if not selector:
        return call.tab.main
    return await enter_frames(call.tab, split_at_frames(parse_selector(selector)), call.deadline)


async def _run_once_there(call: Call, frame: Frame, request: EvaluateRequest) -> _Outcome:
    """While one document takes another's place there is for a moment no context to run anything in."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await _run(call, frame, request)
        except RefusedError as error:
            if "Cannot find" not in error.message or loop.time() + _AGAIN_S >= call.deadline:
                raise
            call.tab.require_no_dialog()
            if not call.tab.has(frame):
                raise
        await asyncio.sleep(_AGAIN_S)


async def _run(call: Call, frame: Frame, request: EvaluateRequest) -> _Outcome:
    context = main_world(frame)
    if request.isolated:
        world = {"frameId": frame.id, "worldName": WORLD}
        made = await frame.session.call("Page.createIsolatedWorld", world, _World, deadline=call.deadline)
        context = made.executionContextId
    left_ms = max(1, round((call.deadline - asyncio.get_running_loop().time()) * 1000))
    params: Json = {
        "expression": request.expression,
        "awaitPromise": request.await_promise,
        "objectGroup": _GROUP,
        "timeout": left_ms,
    }
    if context:
        params["contextId"] = context
    return await frame.session.call("Runtime.evaluate", params, _Outcome, deadline=call.deadline + _SLACK_S)


async def _to_json(call: Call, frame: Frame, value: _Value, most: int) -> str:
    params = {
        "objectId": value.objectId,
        "functionDeclaration": _TO_JSON,
        "arguments": [{"value": most}],
        "returnByValue": True,
    }
    outcome = await frame.session.call("Runtime.callFunctionOn", params, _Outcome, deadline=call.deadline + _SLACK_S)
    if (thrown := outcome.exceptionDetails) is not None:
        raise ActionError(Failure.NOT_SERIALIZABLE, described(thrown))
    text = outcome.result.value
    if text is None:
        return "null"
    if not isinstance(text, str):
        raise AnswerTooLargeError("the result is too large")
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.MsgspecError:
        raise ActionError(Failure.NOT_SERIALIZABLE, "the page's own JSON.stringify makes no JSON") from None
    except RecursionError:
        raise ActionError(Failure.NOT_SERIALIZABLE, "the result is nested too deeply for readers of JSON") from None
    return _fitting(text, most)


def plain_json(value: _Value) -> str:
    """What is no object, as JSON: NaN, the infinities, undefined, functions and symbols are null, a BigInt a text."""
    if value.type == "bigint":
        return json.dumps(value.unserializableValue.removesuffix("n"))
    if value.unserializableValue == "-0":
        return "-0"
    if value.type in ("string", "number", "boolean") and not value.unserializableValue:
        return json.dumps(value.value, ensure_ascii=False)
    return "null"


def type_of(value: _Value) -> str:
    return value.subtype if value.type == "object" and value.subtype in ("null", "array") else value.type


def described(thrown: _Thrown) -> str:
    """Name, message and the first lines of the stack, as the page has them."""
    exception = thrown.exception
    text = thrown.text
    if exception is not None:
        text = exception.description or (json.dumps(exception.value) if exception.type != "undefined" else "undefined")
    return text[:MAX_ERROR_CHARS]


def _fitting(text: str, most: int) -> str:
    if len(text) > most or (not text.isascii() and len(text.encode("utf-8", "replace")) > most):
        raise ActionError(Failure.OUTPUT_TOO_LARGE, f"the result has more than {most} bytes of JSON")
    return text


def _refusal(error: RefusedError, *, is_late: bool) -> ActionError:
    # What Chromium says of a script that it has ended for its time depends on whether a promise was waited for.
    if "terminated" in error.message or (is_late and error.message == "Internal error"):
        return ActionError(Failure.TIMEOUT, "the script did not end in time")
    if "Promise was collected" in error.message:
        return ActionError(Failure.SCRIPT_ERROR, "the promise can never be settled")
    if "context" in error.message or "navigated" in error.message:
        return told(TargetGoneError("the page has gone on"))
    return told(error)
