import asyncio
from typing import Any, cast

import msgspec

from cloche.browser.session_browser import Browser
from cloche.browser.state.viewport import NOTE
from cloche.sessions.live.look import Look
from cloche.sessions.live.page import ShownPage


class Session:
    def __init__(self, told: list[tuple[str, Any]]) -> None:
        self.told = told

    def notify(self, method: str, params: Any = None) -> None:
        self.told.append((f"service {method}", params))

    def ask(self, method: str, params: Any = None) -> "asyncio.Future[msgspec.Raw]":
        self.told.append((method, params))
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        answer.set_result(msgspec.Raw(b"{}"))
        return answer


class Page:
    id = "T1"

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.session = Session(self.told)
        self.notes: dict[str, Any] = {}

    def command(self, method: str, params: Any = None) -> None:
        self.told.append((method, params))


class ServiceBrowser:
    def __init__(self, page: Page) -> None:
        self.tabs = {"T1": page}


def applied(look: Look) -> dict[str, Any]:
    page = Page()
    look.apply(cast(ShownPage, page), "Chrome/156.0.0.0")
    return {method.removeprefix("Emulation."): params for method, params in page.told}


def test_a_page_is_as_large_as_a_viewer_wants_it() -> None:
    look = Look(lambda: None)
    assert applied(look) == {} and not look.is_set
    assert look.resize(800, 600, 2)
    told = applied(look)
    assert told["setDeviceMetricsOverride"]["width"] == 800 and not told["setDeviceMetricsOverride"]["mobile"]
    assert told["setUserAgentOverride"] == {"userAgent": ""} and told["setTouchEmulationEnabled"] == {"enabled": False}
    assert (look.scale, look.device) == (2, "")
    assert not look.resize(5, 600, 1) and not look.resize(0, 600, 1), "nobody sees anything in that"
    assert look.resize(0, 0, 1) and not look.is_set


def test_no_page_has_more_pixels_than_its_session_has_memory_for() -> None:
    look = Look(lambda: None)
    assert look.resize(3840, 2160, 3) and look.scale == 1
    assert look.resize(1920, 1080, 3) and look.scale == 2
    told = applied(look)["setDeviceMetricsOverride"]
    assert (told["width"], told["height"], told["deviceScaleFactor"]) == (1920, 1080, 2)


def test_a_device_has_its_size_its_name_and_fingers() -> None:
    look = Look(lambda: None)
    assert look.emulate("Pixel 8")
    told = applied(look)
    assert (told["setDeviceMetricsOverride"]["width"], told["setDeviceMetricsOverride"]["mobile"]) == (412, True)
    assert "Chrome/156.0.0.0 Mobile" in told["setUserAgentOverride"]["userAgent"]
    assert told["setTouchEmulationEnabled"] == {"enabled": True, "maxTouchPoints": 5}
    assert not look.emulate("Nokia 3310") and look.device == "Pixel 8"
    assert look.emulate("") and not look.is_set
    look.emulate("iPad")
    look.forget()
    assert not look.is_set and look.scale is None


async def test_what_the_browser_service_has_set_is_put_back() -> None:
    page = Page()
    page.notes[NOTE] = (1000, 700, 1.0, False)
    look = Look(lambda: cast(Browser, ServiceBrowser(page)))
    look.undo(cast(ShownPage, page))
    await asyncio.sleep(0)
    methods = [method for method, _ in page.told]
    put_back = methods.index("service Emulation.setDeviceMetricsOverride")
    assert methods.index("Emulation.clearDeviceMetricsOverride") < put_back
    assert page.told[put_back][1]["width"] == 1000
