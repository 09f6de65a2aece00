"""Why a navigation did not work out."""

from typing import Final

from cloche.browser.call import Call
from cloche.browser.contract.common import Failure
from cloche.browser.navigation.destination import host_and_port
from cloche.browser.navigation.journey import ABORTED, Journey

_REFUSALS: Final = (
    "net::ERR_SOCKS_CONNECTION_FAILED",
    "net::ERR_SOCKS_CONNECTION_HOST_UNREACHABLE",
    "net::ERR_PROXY_CONNECTION_FAILED",
    "net::ERR_TUNNEL_CONNECTION_FAILED",
    "net::ERR_CONNECTION_CLOSED",
    "net::ERR_CONNECTION_RESET",
    "net::ERR_EMPTY_RESPONSE",
)
"""What Chromium makes of a connection that the gateway refuses or cuts."""

_NO_CONTENT: Final = (204, 205)


def why_failed(call: Call, journey: Journey) -> tuple[Failure, str, str]:
    """Return code, detail and, where a policy stood in the way, its rule."""
    if journey.overtaken:
        return Failure.NAVIGATION_ABORTED, "the page that was left has gone to itself again; try again", ""
    if journey.refused:
        return Failure.TOO_MANY_REDIRECTS, "it was redirected more often than the request allows", ""
    if journey.too_large:
        limit = call.limits.response_bytes
        return Failure.RESPONSE_TOO_LARGE, f"the answer is longer than the {limit} bytes that the budget allows", ""
    trip = journey.current
    error = trip.error if trip is not None else ""
    if error == "net::ERR_TOO_MANY_REDIRECTS":
        return Failure.TOO_MANY_REDIRECTS, error, ""
    if error == ABORTED:
        status = trip.status if trip is not None else 0
        if status in _NO_CONTENT:
            return Failure.NAVIGATION_ABORTED, f"the server answered {status} without a document", ""
        return Failure.NAVIGATION_ABORTED, "another navigation took its place, or it was stopped", ""
    peer = host_and_port(trip.url) if trip is not None and error in _REFUSALS else None
    if peer is not None and (blocked := call.browser.why_blocked(*peer)) is not None:
        detail = f"{blocked.reason}: {blocked.rule}" if blocked.rule else blocked.reason
        return Failure.POLICY_BLOCKED, detail, blocked.rule or blocked.reason
    return Failure.NAVIGATION_FAILED, error or "the browser did not say why", ""
