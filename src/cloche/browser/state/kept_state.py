"""What of a browser is kept beside its user-data directory: what Chromium forgets at its end. Pure.

Cookies without an expiry, the permissions that were set, the open tabs with their sessionStorage and scroll positions.
What comes back out of a file was checked for being ours by whoever decrypted it. What stands in it was still written by
pages: so it is held to bounds on the way in as on the way out.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

MAX_JSON_BYTES: Final = 48 * 1024 * 1024
"""Of a state as it is written: the storage, as many cookies as there may be, each as long as may be and full of
quotation marks, and the addresses."""
MAX_STORAGE_BYTES: Final = 8 * 1024 * 1024
"""Names and values of all tabs' sessionStorage together, as they are written."""
MAX_TABS: Final = 50
MAX_COOKIES: Final = 3300
"""As many as Chromium keeps (net/cookies/cookie_monster.cc)."""
MAX_ORIGINS: Final = 100
"""With sessionStorage, in one tab."""
MAX_ENTRIES: Final = 10_000
"""In the sessionStorage of one origin."""

Text = Annotated[str, Meta(max_length=4096)]
"""Of a cookie; Chromium holds name and value together to 4096 bytes (RFC 6265bis, section 5.6)."""
Pixels = Annotated[float, Meta(ge=0, le=1e9)]


class KeptStateError(ValueError):
    """These bytes are no state that was kept; the message quotes nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPartition:
    """CDP Network.CookiePartitionKey."""

    top_level_site: Text
    has_cross_site_ancestor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCookie:
    """One that ends with its browser. As in CDP Network.Cookie; what is empty was not set."""

    name: Text
    value: Text
    domain: Annotated[str, Meta(max_length=256)]
    path: Text = "/"
    http_only: bool = False
    secure: bool = False
    same_site: Literal["", "Strict", "Lax", "None"] = ""
    priority: Literal["Low", "Medium", "High"] = "Medium"
    source_scheme: Literal["Unset", "NonSecure", "Secure"] = "Unset"
    source_port: Annotated[int, Meta(ge=-1, le=65535)] = -1
    partition: KeptPartition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStorage:
    """The sessionStorage of one origin in one tab, in Chromium's order."""

    origin: Annotated[str, Meta(max_length=2048)]
    entries: Annotated[tuple[tuple[str, str], ...], Meta(max_length=MAX_ENTRIES)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTab:
    url: Annotated[str, Meta(max_length=64 * 1024)]
    scroll_x: Pixels = 0.0
    """CSS pixels."""
    scroll_y: Pixels = 0.0
    storage: Annotated[tuple[KeptStorage, ...], Meta(max_length=MAX_ORIGINS)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptState:
    """Made by `keeping.capture`, put back by `keeping.restore`."""

    version: Literal[1] = 1
    cookies: Annotated[tuple[KeptCookie, ...], Meta(max_length=MAX_COOKIES)] = ()
    permissions: dict[
        Literal["camera", "microphone", "location", "notifications", "clipboard"], Literal["allow", "deny", "ask"]
    ] = field(default_factory=dict)
    tabs: Annotated[tuple[KeptTab, ...], Meta(max_length=MAX_TABS)] = ()
    """In the order in which they were opened."""
    active: Annotated[int, Meta(ge=0, lt=MAX_TABS)] = 0
    """The index of the tab in front."""

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> "KeptState":
        """Read what `to_json` wrote; fields that are not known are ignored. Raises: KeptStateError."""
        if len(data) > MAX_JSON_BYTES:
            raise KeptStateError("the state is too large")
        try:
            state = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise KeptStateError("this is no state of a browser") from None
        if storage_bytes(state) > MAX_STORAGE_BYTES:
            raise KeptStateError("the state holds too much sessionStorage")
        return state


def storage_bytes(state: KeptState) -> int:
    """Of names and values of sessionStorage in all tabs, as JSON."""
    return sum(entry_bytes(*entry) for tab in state.tabs for storage in tab.storage for entry in storage.entries)


def entry_bytes(name: str, value: str) -> int:
    """A control character takes six as JSON, and a page may store nothing else."""
    return len(msgspec.json.encode((name, value)))
