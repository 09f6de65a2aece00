"""SetViewport: the size of one tab's page, and whether it is a phone's."""

from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.state import SetViewportRequest, SetViewportResponse
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import Evaluated, told
from cloche.errors import InvalidError

NOTE: Final = "viewport"
MIN_SIDE: Final = 50
MAX_SIDE: Final = 10_000
MAX_AREA: Final = 16_000_000
MAX_DEVICE_PIXELS: Final = 33_177_600
MAX_SCALE: Final = 8.0

# A page that was not made for phones is laid out wider than the screen; the screen is what was set.
_MEASURE: Final = "[...({mobile} ? [screen.width, screen.height] : [innerWidth, innerHeight]), devicePixelRatio]"


async def set_viewport(call: Call, request: SetViewportRequest) -> SetViewportResponse:
    """It holds for the tab until it is set again, on whatever page. Raises: InvalidError, ActionError."""
    check_viewport(request)
    tab, scale = call.tab, request.device_scale_factor or 1.0
    tab.require_no_dialog()
    if request.width == 0:
        calls: list[tuple[str, Json]] = [("Emulation.clearDeviceMetricsOverride", {})]
        tab.notes.pop(NOTE, None)
    else:
        metrics = {
            "width": request.width,
            "height": request.height,
            "deviceScaleFactor": scale,
            "mobile": request.mobile,
            "screenWidth": request.width,
            "screenHeight": request.height,
        }
        calls = [("Emulation.setDeviceMetricsOverride", metrics)]
        tab.notes[NOTE] = (request.width, request.height, scale, request.mobile)
    mobile = request.mobile and request.width > 0
    calls.append(("Emulation.setTouchEmulationEnabled", {"enabled": mobile}))
    measure = {"expression": _MEASURE.format(mobile=str(mobile).lower()), "returnByValue": True, "timeout": 1000}
    try:
        for method, params in calls:
            await tab.session.call(method, params, deadline=call.deadline)
        measured = await tab.session.call("Runtime.evaluate", measure, Evaluated, deadline=call.deadline)
    except DevToolsError as error:
        raise told(error) from None
    width, height, ratio = msgspec.json.decode(measured.result.value, type=tuple[float, float, float])
    return SetViewportResponse(width=round(width), height=round(height), device_scale_factor=ratio, mobile=mobile)


def check_viewport(request: SetViewportRequest) -> None:
    """Raises: InvalidError for a size out of bounds."""
    width, height, scale = request.width, request.height, request.device_scale_factor or 1.0
    if width == height == 0:
        return
    for field, side in (("width", width), ("height", height)):
        if not MIN_SIDE <= side <= MAX_SIDE:
            raise InvalidError(f"{field} must be from {MIN_SIDE} to {MAX_SIDE}, or 0 for both", field=field)
    if width * height > MAX_AREA:
        raise InvalidError(f"the area must be at most {MAX_AREA} CSS pixels", field="width")
    if not 0 < scale <= MAX_SCALE:
        raise InvalidError(f"the scale must be above 0, and at most {MAX_SCALE:g}", field="device_scale_factor")
    if width * height * scale * scale > MAX_DEVICE_PIXELS:
        raise InvalidError(f"there must be at most {MAX_DEVICE_PIXELS} device pixels", field="device_scale_factor")
