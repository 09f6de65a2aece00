"""How large the shown page is and what it takes itself for, where a viewer has set it.

Chromium keeps one set of metrics for a page, whoever set it last: with ours gone there is none, also not what another
client has set before. What the browser service has set (`set_viewport`) is put back. A user agent is each client's own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloche.browser.session_browser import Browser
from cloche.browser.state.viewport import NOTE
from cloche.sessions.live.devices import DEVICES, TOUCH_POINTS, Device, user_agent_of
from cloche.sessions.live.page import ShownPage

MIN_SIDE: Final = 100
MAX_PIXELS: Final = 3840 * 2160
"""Of the device: each takes memory of the session several times over, and viewers get no more than a quarter of it."""


@dataclass(frozen=True, slots=True)
class Size:
    """CSS pixels, and device pixels for each."""

    width: int
    height: int
    scale: float


class Look:
    """Owned by the live service. Holds for whichever page is shown, until it is undone."""

    def __init__(self, browser: Callable[[], Browser | None]) -> None:
        """`browser`: the one of the session's browser service, if it is connected."""
        self._browser = browser
        self._size: Size | None = None
        self._device = ""

    @property
    def device(self) -> str:
        return self._device

    @property
    def scale(self) -> float | None:
        return self._size.scale if self._size is not None else None

    @property
    def is_set(self) -> bool:
        return self._size is not None

    def resize(self, width: int, height: int, scale: float) -> bool:
        """Both 0: as the session was made. False: one cannot be that small."""
        if width == height == 0:
            self._size, self._device = None, ""
            return True
        if width < MIN_SIDE or height < MIN_SIDE:
            return False
        self._size = Size(width, height, min(scale, math.sqrt(MAX_PIXELS / (width * height))))
        return True

    def emulate(self, name: str) -> bool:
        """False: there is no such device."""
        if name and name not in DEVICES:
            return False
        device = DEVICES.get(name)
        self._device = name
        self._size = Size(device.width, device.height, device.scale) if device is not None else None
        return True

    def forget(self) -> None:
        self._size, self._device = None, ""

    def apply(self, page: ShownPage, product: str) -> None:
        """Make the page look so. `product`: the browser's."""
        if self._size is None:
            return
        device = DEVICES.get(self._device, Device(width=0, height=0, scale=1))
        page.command(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": self._size.width,
                "height": self._size.height,
                "deviceScaleFactor": self._size.scale,
                "mobile": device.is_mobile,
                "screenWidth": self._size.width,
                "screenHeight": self._size.height,
            },
        )
        touch = {"enabled": device.is_mobile} | ({"maxTouchPoints": TOUCH_POINTS} if device.is_mobile else {})
        page.command("Emulation.setTouchEmulationEnabled", touch)
        page.command("Emulation.setUserAgentOverride", {"userAgent": user_agent_of(device, product)})

    def undo(self, page: ShownPage) -> None:
        """Have the page as it was before."""
        page.command("Emulation.setUserAgentOverride", {"userAgent": ""})
        page.command("Emulation.setTouchEmulationEnabled", {"enabled": False})
        clearing = page.session.ask("Emulation.clearDeviceMetricsOverride")
        # Over another connection, and so not before that is done.
        clearing.add_done_callback(lambda _: self._put_back(page.id))

    def _put_back(self, tab_id: str) -> None:
        """Have a tab as the browser service has set it, if it has."""
        browser = self._browser()
        tab = browser.tabs.get(tab_id) if browser is not None else None
        if tab is not None and (noted := tab.notes.get(NOTE)) is not None:
            width, height, scale, mobile = noted
            tab.session.notify(
                "Emulation.setDeviceMetricsOverride",
                {
                    "width": width,
                    "height": height,
                    "deviceScaleFactor": scale,
                    "mobile": mobile,
                    "screenWidth": width,
                    "screenHeight": height,
                },
            )
            tab.session.notify("Emulation.setTouchEmulationEnabled", {"enabled": mobile})
