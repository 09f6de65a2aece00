"""JSON lines on stderr: `time`, `level`, `msg` and whatever fields the event has.

Whoever reads stderr may have stopped reading. A line that would block is dropped and counted; the next line that
gets through says how many were.
"""

import json
import os
import select
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_LEVELS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40}
# A pipe that polls writable takes this much without blocking (pipe(7), PIPE_BUF).
_MAX_LINE_BYTES: Final = 4096


class Log:
    def __init__(self, level: str, session_id: str = "", fd: int = 2) -> None:
        """`level` is debug, info, warn or error; anything else means info."""
        self._threshold = _LEVELS.get(level, _LEVELS["info"])
        self._session_id = session_id
        self._fd = fd
        self._dropped = 0
        self.on_line: Callable[[str], object] | None = None
        """Given each line that is logged, also one that stderr did not take. It must neither log nor raise."""

    def debug(self, msg: str, **fields: object) -> None:
        self._write("debug", msg, fields)

    def info(self, msg: str, **fields: object) -> None:
        self._write("info", msg, fields)

    def warn(self, msg: str, **fields: object) -> None:
        self._write("warn", msg, fields)

    def error(self, msg: str, **fields: object) -> None:
        self._write("error", msg, fields)

    def _write(self, level: str, msg: str, fields: dict[str, object]) -> None:
        if _LEVELS[level] < self._threshold:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"time": time, "level": level, "msg": msg, "session": self._session_id, **fields}
        if self._dropped:
            record["dropped_lines"] = self._dropped
        line = json.dumps(record, default=str).encode() + b"\n"
        if len(line) > _MAX_LINE_BYTES:
            short = {"time": time, "level": level, "msg": msg[:256], "session": self._session_id, "cut": True}
            line = json.dumps(short).encode() + b"\n"
        if self.on_line is not None:
            self.on_line(line[:-1].decode())
        self._dropped = 0 if self._put(line) else self._dropped + 1

    def _put(self, line: bytes) -> bool:
        poll = select.poll()
        try:
            poll.register(self._fd, select.POLLOUT)
            return bool(poll.poll(0)) and os.write(self._fd, line) > 0
        except OSError:
            return False  # nobody can be told
