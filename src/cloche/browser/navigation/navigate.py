"""Navigate: to an address."""

from cloche.browser.call import Call
from cloche.browser.contract.pages import NavigateRequest, NavigateResponse
from cloche.browser.navigation.destination import check_destination
from cloche.browser.navigation.follow import follow


async def navigate(call: Call, request: NavigateRequest) -> NavigateResponse:
    """One CDP Page.navigate."""
    params = {"url": check_destination(request.url), "transitionType": "typed"}
    if request.referrer:
        params["referrer"] = check_destination(request.referrer)
    return await follow(
        call,
        "Page.navigate",
        params,
        wait_until=request.wait_until,
        max_redirects=allowed_redirects(allow=request.allow_redirects, most=request.max_redirects),
    )


def allowed_redirects(*, allow: bool, most: int) -> int | None:
    """How many hops a request allows; None leaves it to Chromium."""
    if not allow:
        return 0
    return most or None
