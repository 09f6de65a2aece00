"""Going somewhere: one navigation of the browser each, never a fetch beside it. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval

from cloche.browser.contract.common import ActionRequest, ActionResponse, Url

WaitUntil = Literal["", "commit", "domcontentloaded", "load", "networkidle"]
"""Empty: `load`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectHop:
    url: str = ""
    """Redacted, as in the network log."""
    status_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationTiming:
    """Milliseconds since the navigation began; -1 where it did not come to that."""

    response_ms: int = -1
    commit_ms: int = -1
    dom_content_loaded_ms: int = -1
    load_ms: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigateRequest(ActionRequest):
    url: Url = ""
    """`http:`, `https:` or `about:blank`."""
    allow_redirects: bool = True
    max_redirects: Annotated[int, Interval(ge=0, le=20)] = 0
    """0: Chromium's own limit, 20."""
    wait_until: WaitUntil = ""
    referrer: Url = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigateResponse(ActionResponse):
    final_url: str = ""
    status_code: int = 0
    """0 where there was no HTTP, as for about:blank, or within one document."""
    title: str = ""
    body_bytes: int = 0
    """Of the main response as it came over the network."""
    latency_ms: int = 0
    redirects: list[RedirectHop] = field(default_factory=list)
    timing: NavigationTiming = field(default_factory=NavigationTiming)
    reached: str = ""
    """How far the page came: as `wait_until`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRequest(ActionRequest):
    wait_until: WaitUntil = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRequest(ActionRequest):
    wait_until: WaitUntil = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequest(ActionRequest):
    wait_until: WaitUntil = ""
    ignore_cache: bool = False
