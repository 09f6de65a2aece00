"""What of a browser is kept beside its user-data directory: what Chromium forgets at its end. Pure.

Cookies without an expiry, the permissions that were set, the open tabs with their sessionStorage and scroll positions.
What comes back out of a file was checked for being ours by whoever decrypted it. What stands in it was still written by
pages: so it is held to bounds on the way in as on the way out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

MAX_JSON_BYTES: Final = 16 * 1024 * 1024
"""Of a state as it is written, which is what an archive takes: the storage, the cookies, and the addresses."""
MAX_STORAGE_BYTES: Final = 8 * 1024 * 1024
"""Names and values of all tabs' sessionStorage together, as they are written."""
MAX_TABS: Final = 50
MAX_COOKIES: Final = 3300
"""As many as Chromium keeps (net/cookies/cookie_monster.cc)."""
MAX_COOKIES_BYTES: Final = 3 * 1024 * 1024
"""Of all cookies, as they are written."""
MAX_ORIGINS: Final = 100
"""With sessionStorage, in one tab."""
MAX_ENTRIES: Final = 10_000
"""In the sessionStorage of one origin."""
MAX_ALL_ENTRIES: Final = 100_000
"""In all tabs together. More of them, each next to nothing, would hold the loop up."""

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
        entries = sum(len(storage.entries) for tab in state.tabs for storage in tab.storage)
        if entries > MAX_ALL_ENTRIES or storage_bytes(state.tabs) > MAX_STORAGE_BYTES:
            raise KeptStateError("the state holds too much sessionStorage")
        return state


def storage_bytes(tabs: Iterable[KeptTab]) -> int:
    """Of names and values of sessionStorage in these tabs, as JSON."""
    return sum(entry_bytes(*entry) for tab in tabs for storage in tab.storage for entry in storage.entries)


def that_fit(tabs: Iterable[KeptTab]) -> tuple[KeptTab, ...]:
    """As many as may be kept; without sessionStorage from where there would be too much of it."""
    left_bytes, left_entries = MAX_STORAGE_BYTES, MAX_ALL_ENTRIES
    fit = list[KeptTab]()
    for tab in tuple(tabs)[:MAX_TABS]:
        size, entries = storage_bytes((tab,)), sum(len(storage.entries) for storage in tab.storage)
        if size > left_bytes or entries > left_entries:
            fit.append(replace(tab, storage=()))
            continue
        left_bytes, left_entries = left_bytes - size, left_entries - entries
        fit.append(tab)
    return tuple(fit)


def entry_bytes(name: str, value: str) -> int:
    """A control character takes six as JSON, and a page may store nothing else."""
    return len(msgspec.json.encode((name, value)))
