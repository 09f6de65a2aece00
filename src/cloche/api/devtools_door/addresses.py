"""Turn the addresses in Chromium's `/json/…` answers to this host. Pure.

webSocketDebuggerUrl   ws://127.0.0.1:9222/devtools/page/X         →  ws://host/v1/sessions/ses_…/devtools/page/X?token=…
devtoolsFrontendUrl    …/inspector.html?ws=127.0.0.1:9222/devtools/page/X  →  …?ws=host%2Fv1%2F…
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from cloche.api.urls import Origin, devtools_address
from cloche.ids import SessionId

_ENDPOINT: Final = r"(/devtools/(?:browser|page)/[A-Za-z0-9_-]{1,128})"
_ADDRESS: Final = re.compile(rf"wss?://[^/?#]*{_ENDPOINT}")
_FRONTEND: Final = re.compile(rf"([^?#]*\?)wss?=[^/&#]*{_ENDPOINT}")


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
            if name == "webSocketDebuggerUrl" or name.startswith("devtoolsFrontendUrl"):
                if (link := self._link(name, value)) is not None:
                    out[name] = link
            else:
                out[name] = value
        return out

    def _link(self, name: str, value: object) -> str | None:
        pattern = _ADDRESS if name == "webSocketDebuggerUrl" else _FRONTEND
        if not isinstance(value, str) or (match := pattern.fullmatch(value)) is None:
            return None
        scheme = self.origin.websocket_scheme
        address = devtools_address(self.origin, self.session_id, match[match.lastindex or 1], self.token)
        if pattern is _ADDRESS:
            return f"{scheme}://{address}"
        return f"{match[1]}{scheme}={quote(address, safe='')}"
