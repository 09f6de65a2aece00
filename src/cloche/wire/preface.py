"""The one line that opens a stream on the guest socket, and the one line that answers it.

    host → agent   {"stream": "devtools", "pass": true, "wait_s": 10}\n
    agent → host   {"ok": true}\n                   with a descriptor attached where one was asked for
                   {"ok": true, "devtools_path": "/devtools/browser/…"}\n    on a DevTools stream
                   {"ok": false, "code": "browser_unavailable", "message": "…"}\n

Streams:
    devtools   a new TCP connection to Chromium's DevTools port. `wait_s` bounds the wait for a browser that is
               (re)starting. With `pass` the connected socket is handed over (SCM_RIGHTS, unix(7)) and the stream
               ends; without it the agent copies bytes between the two from here on.
    egress     the listening socket bound to 127.0.0.1:1080 inside the sandbox; only with `pass`.
    http       the agent's own HTTP/1.1 API on this connection from here on.
    guest      the guest protocol (`guest`, in `frames`) on this connection from here on.

Codes: `browser_unavailable` (none was ready in time), `bad_preface`, `unsupported` (nothing of that kind to pass).
"""

import json
from enum import StrEnum
from typing import Final, NamedTuple

MAX_PREFACE_BYTES: Final = 1024


class StreamKind(StrEnum):
    DEVTOOLS = "devtools"
    EGRESS = "egress"
    HTTP = "http"
    GUEST = "guest"


class PrefaceError(ValueError):
    """The line is not a preface; the message is fit to be sent back."""


class Preface(NamedTuple):
    kind: StreamKind
    passes_descriptor: bool = False
    wait_s: float = 0.0

    def encode(self) -> bytes:
        body = {"stream": str(self.kind), "pass": self.passes_descriptor, "wait_s": self.wait_s}
        return json.dumps(body, separators=(",", ":")).encode() + b"\n"


class Answer(NamedTuple):
    ok: bool
    code: str = ""
    message: str = ""
    devtools_path: str = ""
    """With a DevTools stream: the path of the browser endpoint that the connection leads to."""

    def encode(self) -> bytes:
        body: dict[str, object] = {"ok": self.ok}
        if not self.ok:
            body |= {"code": self.code, "message": self.message}
        if self.devtools_path:
            body["devtools_path"] = self.devtools_path
        return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def parse_preface(line: bytes) -> Preface:
    """Read a host's opening line (without its newline).

    Raises:
        PrefaceError: not JSON, an unknown stream, or a wait outside 0–60 s.
    """
    value = _object(line)
    wait_s = value.get("wait_s", 0.0)
    if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s <= 60:
        raise PrefaceError("wait_s must be a number from 0 to 60")
    passes = value.get("pass", False)
    if not isinstance(passes, bool):
        raise PrefaceError("pass must be true or false")
    try:
        kind = StreamKind(value.get("stream"))  # type: ignore[arg-type]  # a wrong type is a wrong value too
    except ValueError:
        raise PrefaceError("unknown stream") from None
    return Preface(kind, passes, float(wait_s))


def parse_answer(line: bytes) -> Answer:
    """Read an agent's answer (without its newline); texts are cut to what a log line can bear.

    Raises:
        PrefaceError: not JSON or not an answer.
    """
    value = _object(line)
    ok = value.get("ok")
    if not isinstance(ok, bool):
        raise PrefaceError("ok must be true or false")
    return Answer(
        ok,
        str(value.get("code", ""))[:64],
        str(value.get("message", ""))[:256],
        str(value.get("devtools_path", ""))[:128],
    )


def _object(line: bytes) -> dict[str, object]:
    if len(line) > MAX_PREFACE_BYTES:
        raise PrefaceError("line too long")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise PrefaceError("not JSON") from None
    if not isinstance(value, dict):
        raise PrefaceError("not an object")
    return value
