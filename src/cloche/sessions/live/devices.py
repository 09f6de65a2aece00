"""The devices that a page can be shown as on. Pure. Sizes in CSS pixels, as the makers give them for portrait."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    width: int
    height: int
    scale: float
    user_agent: str = ""
    """Empty: the session's own."""
    is_mobile: bool = False
    """Whether pages are laid out as on a phone (`<meta name=viewport>`), and touch is told of."""


DEVICES: Final[dict[str, Device]] = {
    "Pixel 8": Device(
        width=412,
        height=915,
        scale=2.625,
        user_agent=(
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/{chrome} Mobile Safari/537.36"
        ),
        is_mobile=True,
    ),
    "iPhone 16": Device(
        width=393,
        height=852,
        scale=3,
        user_agent=(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1"
        ),
        is_mobile=True,
    ),
    "iPad": Device(
        width=820,
        height=1180,
        scale=2,
        user_agent=(
            "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1"
        ),
        is_mobile=True,
    ),
    "Desktop 1440": Device(width=1440, height=900, scale=1),
}
TOUCH_POINTS: Final = 5


def user_agent_of(device: Device, product: str) -> str:
    """`product`: what DevTools calls the browser, `Chrome/156.0.0.0`: devices with Chromium are of that version."""
    name, _, version = product.partition("/")
    major = version.partition(".")[0] if "chrom" in name.lower() else ""
    return device.user_agent.replace("{chrome}", f"{major if major.isdecimal() else '120'}.0.0.0")
