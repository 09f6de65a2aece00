"""What holds for a use case before it is carried out: how long, in turn or not, bound to which domains. Pure."""

from typing import Final

from cloche.browser.contract.actions import DialogRequest, EvaluateRequest, HighlightRequest, WaitForRequest
from cloche.browser.contract.common import ActionRequest, BrowserRequest
from cloche.browser.contract.pages import BackRequest, ForwardRequest, NavigateRequest, ReloadRequest
from cloche.browser.contract.state import SetViewportRequest
from cloche.browser.contract.tabs import OpenTabRequest
from cloche.browser.contract.use_cases import USE_CASES, UseCase
from cloche.sessions.browsing.domains import AllowedDomains
from cloche.sessions.model import Budget

CASES: Final[dict[type[BrowserRequest], UseCase]] = {case.request: case for case in USE_CASES}

NAVIGATIONS: Final = (NavigateRequest, BackRequest, ForwardRequest, ReloadRequest, OpenTabRequest)
_OUT_OF_TURN: Final = (DialogRequest, WaitForRequest, EvaluateRequest, HighlightRequest)
"""They need neither pointer nor keys, and may be what an action under way is waiting for: an answer to its dialog."""
_LEAVES_THE_PAGE_ALONE: Final = (BackRequest, ForwardRequest, SetViewportRequest)
"""A page that may not be acted on can be left, and the window around it be set."""


def timeout_ms(case: UseCase, request: BrowserRequest, budget: Budget) -> int:
    """How long a call may take: what it asks for, and no longer than its budget."""
    if issubclass(case.request, NAVIGATIONS):
        most = budget.navigation_timeout_ms
    elif issubclass(case.request, ActionRequest):
        most = budget.action_timeout_ms
    else:
        # Looking at a page can take as long as loading it did.
        most = max(budget.action_timeout_ms, budget.navigation_timeout_ms)
    asked: int = getattr(request, "timeout_ms", 0)
    return min(asked or most, most)


def waits_its_turn(request: BrowserRequest) -> bool:
    """Whether it comes after the actions on its tab that were asked for earlier."""
    return isinstance(request, ActionRequest) and not isinstance(request, _OUT_OF_TURN)


def require_domain(allowed: AllowedDomains, request: BrowserRequest, page_url: str) -> None:
    """Raises: ActionError (`domain_not_allowed`) when an action may not be done on its page, or lead where it would."""
    match request:
        case NavigateRequest(url=url) | OpenTabRequest(url=url):
            allowed.require_destination(url)
        case DialogRequest(accept=True):
            allowed.require_page(page_url)
        case ActionRequest() if not isinstance(request, _LEAVES_THE_PAGE_ALONE):
            allowed.require_page(page_url)
        case _:
            pass
