"""HTTP/1.1 heads (RFC 9112) as the door meets them: bytes in, facts or a refusal out. Pure.

Both peers are strangers: the client because anyone may dial, Chromium because it runs a stranger's pages.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from cloche.errors import AgentError, InvalidError, NotFoundError
from cloche.ids import SessionId, parse_session_id
from cloche.wire.websocket import accept_value

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 64
CHROMIUM_HOST: Final = "127.0.0.1:9222"

END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(r"([A-Z]{1,16}) ([!-~]{1,8192}) HTTP/1\.1")
_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] ([1-5]\d\d)(?: [\t -~\x80-\xff]*)?")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_PATH: Final = re.compile(
    r"/v1/sessions/(?P<id>[^/]{1,64})/(?:(?P<cdp>cdp)|devtools/(?P<kind>browser|page)/(?P<x>[A-Za-z0-9_-]{1,128})"
    r"|process/(?P<process>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/attach)/?"
)


class Endpoint(StrEnum):
    BROWSER = "browser"
    PAGE = "page"
    PROCESS = "process"  # a program's terminal or pipes: the agent's, not Chromium's


@dataclass(frozen=True, slots=True)
class Head:
    """Fields in order, names in lower case. `start` is the request or status line."""

    start: str
    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]

    def one(self, name: str) -> str | None:
        """The only value of a field; None when it is absent or repeated."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request head taken apart, whatever it asks for."""

    head: Head
    method: str
    path: str
    query: Mapping[str, str]

    def require_websocket(self) -> None:
        """Raises: InvalidError, unless it is a well-formed WebSocket upgrade (RFC 6455, section 4.2.1)."""
        _require_websocket(self.method, self.head)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A well-formed WebSocket upgrade (RFC 6455, section 4.2.1) for one of the door's paths."""

    head: Head
    session_id: SessionId
    endpoint: Endpoint
    target_id: str
    """Of a page, or of a process."""
    token: str | None
    """Never with a process: a token of the connect link drives a browser, and no more."""


def parse_upgrade(data: bytes) -> Upgrade:
    """Read a whole request head.

    Raises:
        InvalidError: not HTTP/1.1, not a WebSocket upgrade, outside the limits, or an id of the wrong form.
        NotFoundError: an upgrade for a path that is not the door's.
    """
    asked = parse_asked(data)
    path = _PATH.fullmatch(asked.path)
    if path is None:
        raise NotFoundError("there is no WebSocket at this path")
    asked.require_websocket()
    if path["process"]:
        return Upgrade(asked.head, parse_session_id(path["id"]), Endpoint.PROCESS, path["process"], None)
    endpoint = Endpoint(path["kind"]) if path["kind"] else Endpoint.BROWSER
    return Upgrade(asked.head, parse_session_id(path["id"]), endpoint, path["x"] or "", asked.query.get("token"))


def parse_asked(data: bytes) -> Asked:
    """Read a whole request head. Raises: InvalidError: not HTTP/1.1, or outside the limits."""
    head = _parse(data)
    if head is None or (line := _REQUEST_LINE.fullmatch(head.start)) is None:
        raise InvalidError("the request head could not be read")
    try:
        url = urlsplit(line[2])
        query = dict(parse_qsl(url.query, max_num_fields=16))
    except ValueError:
        raise InvalidError("the request's address could not be read") from None
    return Asked(head, line[1], url.path, query)


def chromium_request(upgrade: Upgrade, browser_path: str) -> bytes:
    """The head that Chromium gets: our own, with only what the WebSocket handshake needs of the client's.

    Chromium refuses a Host that is no address (against DNS rebinding) and an Origin it was not started for. Keys,
    tokens and cookies are none of its business, and it has one browser endpoint, whose path changes when it restarts.
    """
    target = f"/devtools/page/{upgrade.target_id}" if upgrade.endpoint is Endpoint.PAGE else browser_path
    lines = [f"GET {target} HTTP/1.1", f"Host: {CHROMIUM_HOST}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [f"{name}: {value}" for name, value in upgrade.head.fields if name.startswith("sec-websocket-")]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def agent_request(upgrade: Upgrade) -> bytes:
    """The head that the agent gets for a process. It knows no subprotocols and no extensions."""
    key = upgrade.head.all("sec-websocket-key")[0]
    return (
        f"GET /process/{upgrade.target_id}/attach HTTP/1.1\r\nHost: agent\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode("latin-1")


def agent_opening(upgrade: Upgrade) -> bytes:
    """The 101 that the client gets for the agent's: our own, with nothing of its words."""
    return opening(upgrade.head)


def opening(head: Head) -> bytes:
    """The 101 for a well-formed upgrade, without extensions or subprotocols (RFC 6455, section 4.2.2)."""
    accept = accept_value(head.all("sec-websocket-key")[0])
    return (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


def parse_answer(data: bytes) -> tuple[int, Head]:
    """Read a whole response head of Chromium's. Raises: AgentError."""
    head = _parse(data)
    if head is None or (line := _STATUS_LINE.fullmatch(head.start)) is None:
        raise AgentError("the browser's answer was not understood")
    return int(line[1]), head


def content_length(head: Head, limit: int) -> int:
    """The length of a body that must say it. Raises: AgentError for none, a bad one, or one above `limit`."""
    text = head.one("content-length")
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 12 or head.all("transfer-encoding"):
        raise AgentError("the browser's answer was not understood")
    if int(text) > limit:
        raise AgentError("the browser's answer is too large")
    return int(text)


def _require_websocket(method: str, head: Head) -> None:
    tokens = [token.strip().lower() for value in head.all("connection") for token in value.split(",")]
    if method != "GET" or "upgrade" not in tokens or (head.one("upgrade") or "").lower() != "websocket":
        raise InvalidError("this is not a WebSocket upgrade")
    if head.one("sec-websocket-version") != "13" or not _is_nonce(head.one("sec-websocket-key") or ""):
        raise InvalidError("the WebSocket handshake is not of version 13")
    if head.all("transfer-encoding") or set(head.all("content-length")) - {"0"}:
        raise InvalidError("a WebSocket upgrade has no body")


def _is_nonce(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _parse(data: bytes) -> Head | None:
    if len(data) > MAX_HEAD_BYTES or not data.endswith(END):
        return None
    start, *lines = data[: -len(END)].decode("latin-1").split("\r\n")
    if len(lines) > MAX_FIELDS:
        return None
    fields = tuple(_fields(lines))
    return Head(start, fields) if len(fields) == len(lines) else None


def _fields(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each line; a line that is no field, a folded one too, is left out and so shows as missing."""
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if colon and _NAME.fullmatch(name) and _VALUE.fullmatch(value):
            yield name.lower(), value
