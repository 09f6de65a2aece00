"""GetPermissions and SetPermissions: what Chromium answers to pages that want to use a device.

The settings hold for all origins of the default browser context. A new Chromium knows nothing of them, so they are kept
in the session's memory and set again by `reapply`.
"""

from typing import Final

from cloche.browser.call import Call
from cloche.browser.contract.state import (
    GetPermissionsRequest,
    GetPermissionsResponse,
    Permissions,
    SetPermissionsRequest,
    SetPermissionsResponse,
)
from cloche.browser.session_browser import Browser

NAMES: Final = {
    "camera": ("camera",),
    "microphone": ("microphone",),
    "location": ("geolocation",),
    "notifications": ("notifications",),
    "clipboard": ("clipboard-read", "clipboard-write"),
}
"""Ours, and those of the web's Permissions API."""
_SETTINGS: Final = {"allow": "granted", "deny": "denied", "ask": "prompt"}


async def get_permissions(call: Call, request: GetPermissionsRequest) -> GetPermissionsResponse:
    return GetPermissionsResponse(permissions=permissions_of(call.browser))


async def set_permissions(call: Call, request: SetPermissionsRequest) -> SetPermissionsResponse:
    browser = call.browser
    if request.reset_to_default:
        await reset_permissions(browser)
    for name in NAMES:
        setting = getattr(request, name)
        if setting in _SETTINGS:
            await _set(browser, name, setting)
            browser.memory.permissions[name] = setting
    return SetPermissionsResponse(permissions=permissions_of(browser))


async def reset_permissions(browser: Browser) -> None:
    """Back to what Chromium does by itself."""
    await browser.call("Browser.resetPermissions")
    browser.memory.permissions.clear()


async def reapply(browser: Browser) -> None:
    """Set in a Chromium that was just started what has been set in one before it."""
    for name, setting in tuple(browser.memory.permissions.items()):
        await _set(browser, name, setting)


def permissions_of(browser: Browser) -> Permissions:
    return Permissions(**browser.memory.permissions)


async def _set(browser: Browser, name: str, setting: str) -> None:
    for permission in NAMES[name]:
        params = {"permission": {"name": permission}, "setting": _SETTINGS[setting]}
        await browser.call("Browser.setPermission", params)
