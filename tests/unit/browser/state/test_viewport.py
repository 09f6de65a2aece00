"""The viewport, as pages see it."""

import pytest

from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import SetViewportRequest
from cloche.browser.navigation.navigate import navigate
from cloche.browser.state.viewport import check_viewport, set_viewport
from cloche.browser.tab import Tab
from cloche.errors import InvalidError
from cloche.testing.canned_answers import html

from .conftest import Ask, CallOf, Serve

SIZE = "[innerWidth, innerHeight, devicePixelRatio, navigator.maxTouchPoints > 0]"


async def test_a_viewport_holds_on_whatever_page(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    own = await ask(SIZE)
    answer = await set_viewport(call_of(tab), SetViewportRequest(width=640, height=480, device_scale_factor=2))
    assert (answer.width, answer.height, answer.device_scale_factor, answer.mobile) == (640, 480, 2, False)
    origin = await serve({"/": html("page")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    assert await ask(SIZE) == [640, 480, 2, False]
    await set_viewport(call_of(tab), SetViewportRequest())
    assert await ask(SIZE) == own


async def test_a_phone_has_touch(tab: Tab, call_of: CallOf, ask: Ask) -> None:
    request = SetViewportRequest(width=375, height=667, device_scale_factor=3, mobile=True)
    answer = await set_viewport(call_of(tab), request)
    assert (answer.width, answer.height, answer.device_scale_factor, answer.mobile) == (375, 667, 3, True)
    assert (await ask(SIZE))[3]


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 49, "height": 100},
        {"width": 100},
        {"width": 10_000, "height": 10_000},
        {"width": 10_000, "height": 1600, "device_scale_factor": 1.5},
        {"width": 100, "height": 100, "device_scale_factor": 9.0},
        {"width": 100, "height": 100, "device_scale_factor": float("nan")},
    ],
)
def test_a_viewport_out_of_bounds_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(InvalidError):
        check_viewport(SetViewportRequest(**fields))  # type: ignore[arg-type]
