"""Where to ask and with which key."""

import os
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cloche.client.calls import Call

DEFAULT_URL: Final = "http://127.0.0.1:8090"
TIMEOUT_S: Final = 90.0
"""Longer than the server's own limit for starting a session, so that its error arrives and not ours."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Base address and key. The key does not show in a repr."""

    url: str
    key: str | None

    @classmethod
    def of(cls, url: str | None = None, key: str | None = None) -> "Connection":
        """What is not given comes from CLOCHE_URL and CLOCHE_KEY."""
        return cls(
            (url or os.environ.get("CLOCHE_URL") or DEFAULT_URL).rstrip("/"), key or os.environ.get("CLOCHE_KEY")
        )

    def __repr__(self) -> str:
        return f"Connection(url={self.url!r}, key={'***' if self.key else None})"

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def options(self) -> dict[str, Any]:
        """The arguments both of httpx2's clients take when they are made. A proxy never leads to this machine."""
        url = urlsplit(self.url)
        host = (url.hostname or "").lower()
        is_here = host == "localhost" or host.startswith("127.") or host == "::1"
        options: dict[str, Any] = {"headers": self.headers(), "trust_env": not is_here}
        if url.scheme == "http" and is_here:
            # Loading the system's certificates takes longer than most calls, and no TLS comes into it.
            options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return options

    def request(self, call: Call[Any], content: Any = None) -> dict[str, Any]:
        """The arguments both of httpx2's clients take for a request."""
        request: dict[str, Any] = {
            "method": call.method,
            "url": self.url + call.path,
            "params": call.query,
            **({"content": content} if content is not None else {"json": call.body}),
        }
        if call.content_type or call.headers:
            request["headers"] = {**call.headers, **({"content-type": call.content_type} if call.content_type else {})}
        if call.may_take_s > TIMEOUT_S:
            request["timeout"] = call.may_take_s
        return request
