"""Prints a page (CDP Page.printToPDF)."""

import asyncio
import base64
import hashlib
from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import ExportPdfRequest, ExportPdfResponse
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import AnswerTooLargeError, DevToolsError, RefusedError
from cloche.browser.frame import told

MIME_TYPE: Final = "application/pdf"

RETRIES_S: Final = (0.05, 0.2)
_TOO_EARLY: Final = "Printing failed"

_MARGINS: Final = {
    "margin_top": "marginTop",
    "margin_bottom": "marginBottom",
    "margin_left": "marginLeft",
    "margin_right": "marginRight",
}
_SIZES: Final = {"scale": "scale", "paper_width": "paperWidth", "paper_height": "paperHeight"}
"""Zero leaves these to Chromium: 1, 8.5 and 11 inches."""


class _Print(msgspec.Struct):
    data: str


async def export_pdf(call: Call, request: ExportPdfRequest) -> ExportPdfResponse:
    call.tab.require_no_dialog()
    most = min(request.max_bytes or call.limits.pdf_bytes, call.limits.pdf_bytes)
    try:
        printed = (await _print(call, _params(request))).data
        if len(printed) > 4 * (most // 3 + 1):
            raise AnswerTooLargeError("it need not be decoded")
        data = base64.b64decode(printed, validate=True)
    except AnswerTooLargeError:
        raise ActionError(Failure.OUTPUT_TOO_LARGE, f"the print is larger than {most} bytes") from None
    except RefusedError as error:
        raise ActionError(Failure.BROWSER_FAILED, f"the page cannot be printed so: {error.message[:200]}") from None
    except DevToolsError as error:
        raise told(error) from None
    except ValueError:
        raise ActionError(Failure.BROWSER_FAILED, "the browser's print was not understood") from None
    if len(data) > most:
        raise ActionError(Failure.OUTPUT_TOO_LARGE, f"the print has {len(data)} bytes, and {most} are allowed")
    digest = hashlib.sha256(data).hexdigest()
    return ExportPdfResponse(pdf_bytes=data, mime_type=MIME_TYPE, size_bytes=len(data), sha256=digest)


async def _print(call: Call, params: Json) -> _Print:
    """Chromium now and then fails at the first print of a page that has only just loaded, and not at the second."""
    for pause_s in RETRIES_S:
        try:
            return await call.tab.session.call("Page.printToPDF", params, _Print, deadline=call.deadline)
        except RefusedError as error:
            if error.message != _TOO_EARLY:
                raise
            await asyncio.sleep(pause_s)
    return await call.tab.session.call("Page.printToPDF", params, _Print, deadline=call.deadline)


def _params(request: ExportPdfRequest) -> Json:
    params: Json = {
        "landscape": request.landscape,
        "printBackground": request.print_background,
        "preferCSSPageSize": request.prefer_css_page_size,
        "pageRanges": request.page_ranges,
        "generateTaggedPDF": False,  # a third of the time and half of the bytes
    }
    params |= {name: getattr(request, ours) for ours, name in _SIZES.items() if getattr(request, ours)}
    params |= {name: getattr(request, ours) for ours, name in _MARGINS.items() if getattr(request, ours) is not None}
    return params
