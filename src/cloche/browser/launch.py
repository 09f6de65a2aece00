"""Chromium's arguments and environment for one session. Pure.

The walls are the sandbox and the gateway; these flags keep Chromium from doing what would only run into them, and
from phoning home. Debian's build and Playwright's both understand them (Chromium's content/public/common and
chrome/common switch lists).
"""

from dataclasses import dataclass
from typing import Final

from cloche.wire.agent_config import DEVTOOLS_PORT, EGRESS_PORT

USER_DATA_DIR: Final = "/data/profile"
WELCOME_URL: Final = "file:///usr/share/cloche/welcome.html"

_QUIET: Final = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
)

# A sandbox has no route for these anyway; without the flags pages would wait for timeouts.
_NO_SIDE_DOORS: Final = (
    "--disable-quic",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    # `<-loopback>` takes away the rule by which loopback would bypass the proxy, so a page cannot reach the DevTools
    # port: it is asked of the gateway, which refuses it.
    "--proxy-bypass-list=<-loopback>",
    f"--proxy-server=socks5://127.0.0.1:{EGRESS_PORT}",
)

# Pages an agent works on are seldom in front; throttled timers would make them look hung.
_AWAKE: Final = (
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-ipc-flooding-protection",
)

# `computedRole` and `computedName` of elements, from Chromium's accessibility tree: what snapshots and selectors by
# role are made of (third_party/blink/renderer/core/dom/element.idl). Reading the tree over DevTools takes ten times
# as long.
ACCESSIBILITY: Final = ("--enable-blink-features=ComputedAccessibilityInfo",)

# Headless Chromium says that nobody can hover; pages then hide menus that an agent could open (ui/base/pointer).
_POINTER: Final = (
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
)

_DISABLED_FEATURES: Final = "AcceptCHFrame,AutofillServerCommunication,MediaRouter,OptimizationHints,Translate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """What of a session's options reaches Chromium's command line. Already checked: no value starts an option."""

    full_chrome: bool = False
    width: int = 1280
    height: int = 800
    device_scale_factor: float = 1.0
    start_url: str | None = None
    locale: str | None = None
    timezone: str | None = None
    user_agent: str | None = None
    disk_cache_bytes: int = 64 << 20


def browser_args(options: LaunchOptions) -> tuple[str, ...]:
    """Everything after argv[0]; the URL to open comes last."""
    args = [
        *(["--headless=new"] if options.full_chrome else []),
        f"--remote-debugging-port={DEVTOOLS_PORT}",
        f"--user-data-dir={USER_DATA_DIR}",
        *_QUIET,
        *_NO_SIDE_DOORS,
        *_AWAKE,
        *ACCESSIBILITY,
        _POINTER,
        f"--disable-features={_DISABLED_FEATURES}",
        f"--disk-cache-size={options.disk_cache_bytes}",
        f"--window-size={options.width},{options.height}",
    ]
    if options.device_scale_factor != 1.0:
        args.append(f"--force-device-scale-factor={options.device_scale_factor:g}")
    if options.locale:
        args += [f"--lang={options.locale}", f"--accept-lang={options.locale}"]
    if options.user_agent:
        args.append(f"--user-agent={options.user_agent}")
    return (*args, options.start_url or WELCOME_URL)


def browser_env(options: LaunchOptions) -> dict[str, str]:
    """Chromium's whole environment: an allow-list, nothing of the daemon's."""
    return {
        "HOME": "/data/home",
        "LANG": f"{options.locale.replace('-', '_')}.UTF-8" if options.locale else "C.UTF-8",
        "PATH": "/usr/bin",
        "TMPDIR": "/tmp",  # noqa: S108 - inside the sandbox, on its own memory-backed file system
        # Named also where nobody asked for one. With neither TZ nor a link at /etc/localtime, ICU compares every file
        # of the time zone database with what is not there, in three processes: 24 000 opens, 45 ms of processor time
        # (icu/source/common/putil.cpp, uprv_tzname).
        "TZ": options.timezone or "Etc/UTC",
        "XDG_CONFIG_HOME": "/data/home/.config",
        "XDG_CACHE_HOME": "/data/home/.cache",
    }
