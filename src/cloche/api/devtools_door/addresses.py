"""Turn the addresses in Chromium's `/json/…` answers to this host. Pure.

webSocketDebuggerUrl   ws://127.0.0.1:9222/devtools/page/X  →  ws://host/v1/sessions/ses_…/devtools/page/X?token=…
devtoolsFrontendUrl    dropped: it leads to a web page of someone else's, which would be handed the token in its URL
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloche.api.urls import Origin, devtools_address
from cloche.ids import SessionId

_ENDPOINT: Final = r"(/devtools/(?:browser|page)/[A-Za-z0-9_-]{1,128})"
_ADDRESS: Final = re.compile(rf"wss?://[^/?#]*{_ENDPOINT}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a session's endpoints are to be reached, and the token that opens them."""

    origin: Origin
    session_id: SessionId
    token: str

    def rewrite(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Rewrite one object. An address that is not of the expected form is dropped: it could lead anywhere."""
        out: dict[str, Any] = {}
        for name, value in entry.items():
            if name == "webSocketDebuggerUrl":
                if (link := self._link(value)) is not None:
                    out[name] = link
            elif not name.startswith("devtoolsFrontendUrl"):
                out[name] = value
        return out

    def _link(self, value: object) -> str | None:
        if not isinstance(value, str) or (match := _ADDRESS.fullmatch(value)) is None:
            return None
        address = devtools_address(self.origin, self.session_id, match[1], self.token)
        return f"{self.origin.websocket_scheme}://{address}"
