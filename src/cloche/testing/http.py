"""One HTTP request at a time, with nothing between the test and the wire: no pool, no proxy, no retry."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def request(
    method: str,
    url: str,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Answer:
    """Send a request and return the answer, whatever its status. Blocks.

    `body` bytes go as they are, None is no body, anything else becomes JSON. Redirects are followed.
    Raises OSError (URLError among them) when there is no answer.
    """
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    own = {} if data is None else {"content-type": "application/json"}
    sent = urllib.request.Request(url, data, own | dict(headers or {}), method=method)  # noqa: S310 - a test's own URL
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(sent, timeout=timeout_s) as answer:
            return _read(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error)


def _read(status: int, answer: Any) -> Answer:
    return Answer(status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
