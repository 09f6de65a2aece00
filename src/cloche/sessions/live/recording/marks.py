"""Chapters: what was done while it was recorded. Pure.

A title names an action and the host it led to: no path, no query, no text that was typed, nobody's name.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cloche.sessions.live.interface import ControlState, Mark
from cloche.sessions.model import EventType

MAX_MARKS: Final = 2_000
MAX_HOST_CHARS: Final = 100
TAKEN: Final = "a person took control"
HANDED_BACK: Final = "control handed back"
_LEADS_ELSEWHERE: Final = frozenset({"navigate", "back", "forward", "reload", "open_tab", "switch_tab"})


class Marks:
    """Of one part. Those beyond `MAX_MARKS` are left out: the first ones tell how it came to that."""

    def __init__(self) -> None:
        self._marks: list[Mark] = []

    def add(self, at_ms: int, title: str) -> bool:
        if len(self._marks) >= MAX_MARKS:
            return False
        self._marks.append(Mark(at_s=at_ms / 1000, title=title))
        return True

    def all(self) -> tuple[Mark, ...]:
        return tuple(self._marks)


class Titles:
    """What events are called. Remembers whether a person has control."""

    def __init__(self) -> None:
        self._is_taken = False

    def of(self, type_: EventType, data: Mapping[str, Any], url: str) -> str:
        """Empty: the event is no chapter. `url`: what the tab it is about now shows."""
        match type_:
            case EventType.BROWSER_ACTION:
                return _of_action(str(data.get("action") or "action"), success=bool(data.get("success")), url=url)
            case EventType.LIVE_CONTROL:
                was_taken, self._is_taken = self._is_taken, data.get("state") == ControlState.TAKEN
                if self._is_taken != was_taken:
                    return TAKEN if self._is_taken else HANDED_BACK
            case _:
                pass
        return ""


def _of_action(name: str, *, success: bool, url: str) -> str:
    words = name.replace("_", " ")
    if not success:
        return f"{words} (failed)"
    host = host_of(url) if name in _LEADS_ELSEWHERE else ""
    return f"{words} {host}" if host else words


def host_of(url: str) -> str:
    """Empty for what is not of the web."""
    try:
        parts = urlsplit(url[:4096])
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host.isprintable():
        return ""
    return host[:MAX_HOST_CHARS]
