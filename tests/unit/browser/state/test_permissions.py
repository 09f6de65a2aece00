"""Permissions as pages see them."""

from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import GetPermissionsRequest, Permissions, SetPermissionsRequest
from cloche.browser.navigation.navigate import navigate
from cloche.browser.state.permissions import get_permissions, reapply, set_permissions
from cloche.browser.tab import Tab
from cloche.testing.canned_answers import html

from .conftest import Ask, CallOf, Serve

QUERY = """Promise.all(['camera', 'microphone', 'geolocation', 'notifications', 'clipboard-read'].map(
  async (name) => (await navigator.permissions.query({name})).state))"""


async def test_what_is_set_is_what_pages_are_told(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    origin = await serve({"/": html("page")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    assert await ask(QUERY) == ["prompt"] * 5
    request = SetPermissionsRequest(camera="allow", microphone="deny", location="allow", clipboard="allow")
    answer = await set_permissions(call_of(), request)
    expected = Permissions(camera="allow", microphone="deny", location="allow", notifications="ask", clipboard="allow")
    assert answer.permissions == expected
    assert await ask(QUERY) == ["granted", "denied", "granted", "prompt", "granted"]
    await set_permissions(call_of(), SetPermissionsRequest(camera="ask", microphone="keep"))
    assert await ask(QUERY) == ["prompt", "denied", "granted", "prompt", "granted"]
    await set_permissions(call_of(), SetPermissionsRequest(reset_to_default=True, notifications="deny"))
    assert await ask(QUERY) == ["prompt", "prompt", "prompt", "denied", "prompt"]
    assert (await get_permissions(call_of(), GetPermissionsRequest())).permissions == Permissions(notifications="deny")


async def test_what_was_set_is_set_again_in_another_chromium(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    origin = await serve({"/": html("page")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    await set_permissions(call_of(), SetPermissionsRequest(reset_to_default=True, camera="allow"))
    await tab.browser.call("Browser.resetPermissions")
    assert (await ask(QUERY))[0] == "prompt"
    await reapply(tab.browser)
    assert (await ask(QUERY))[0] == "granted"
    await set_permissions(call_of(), SetPermissionsRequest(reset_to_default=True))
