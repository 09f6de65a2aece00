"""What the live view's doors share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloche.api.auth.credentials import Credentials
from cloche.api.auth.failures import AuthFailures
from cloche.api.auth.guard import RequestGuard
from cloche.api.live.peers import MakePeer, WebRtcPeers
from cloche.api.live.settings import LiveDoorSettings
from cloche.clock import Clock
from cloche.sessions.interface import SessionManager

if TYPE_CHECKING:
    from cloche.api.deps import ApiDeps


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveParts:
    """Made once for an application."""

    manager: SessionManager
    credentials: Credentials
    guard: RequestGuard
    failures: AuthFailures
    clock: Clock
    settings: LiveDoorSettings
    make_peer: MakePeer


def live_parts(deps: "ApiDeps") -> LiveParts:
    settings = deps.live
    return LiveParts(
        manager=deps.manager,
        credentials=deps.credentials(),
        guard=deps.guard(),
        failures=deps.auth_failures("live"),
        clock=deps.clock,
        settings=settings,
        make_peer=deps.make_peer or WebRtcPeers(deps.registry),
    )
