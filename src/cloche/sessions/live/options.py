"""What the settings and a session's options say about its live view."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cloche.live.model import ClipboardPolicy, Codec, Right
from cloche.live.screencast import Screencast
from cloche.live.watching import Subscription
from cloche.sessions.live.control import ControlTimes
from cloche.sessions.live.interface import Joining

KEPT_FREE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """Of one session, as it is in force."""

    max_viewers: int = 20
    clipboard: ClipboardPolicy = ClipboardPolicy.IN
    control: ControlTimes = field(default_factory=ControlTimes)

    def places_for(self, joining: Joining) -> int:
        """How many may be there when this one comes. A link for watching, which may be passed around, does not fill the
        last two: its owner, and who is to act, still get in."""
        only_watches = joining.right is Right.VIEW and joining.principal is None
        return self.max_viewers - min(KEPT_FREE, self.max_viewers // 2) if only_watches else self.max_viewers


class Pictures(Protocol):
    """What is asked of `live.stream.LiveStream`."""

    def watch(
        self, codec: Codec, *, max_fps: float = 0, keeps_up: bool = False, acknowledges: bool = False
    ) -> Subscription: ...

    def took(self, jpeg: bytes, taken_at_ms: int, width: int, height: int, token: int) -> None: ...

    def page_changed(self) -> None: ...

    def browser_gone(self) -> None: ...

    def browser_back(self) -> None: ...

    async def close(self) -> None: ...


MakePictures = Callable[[Screencast], Pictures]
"""A session's stream of pictures over a screencast."""
