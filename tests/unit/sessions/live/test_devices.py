import pytest

from cloche.live.messages import Resize
from cloche.sessions.live.devices import DEVICES, user_agent_of


def test_devices_with_chromium_are_of_the_browsers_own_version() -> None:
    pixel = DEVICES["Pixel 8"]
    assert "Chrome/156.0.0.0 Mobile" in user_agent_of(pixel, "HeadlessChrome/156.0.6943.53")
    assert "Chrome/120.0.0.0 Mobile" in user_agent_of(pixel, "Chrome/{evil}")
    assert user_agent_of(DEVICES["Desktop 1440"], "Chrome/156.0.0.0") == ""
    assert "Chrome" not in user_agent_of(DEVICES["iPhone 16"], "Chrome/156.0.0.0")


@pytest.mark.parametrize("name", DEVICES)
def test_no_device_is_larger_than_a_viewer_may_ask_for(name: str) -> None:
    device = DEVICES[name]
    Resize(width=device.width, height=device.height, scale=device.scale)
    assert device.width * device.height * device.scale**2 < 33_177_600
