"""What a session's gateway has lately refused, so that a page's failed request can be told why. Pure.

The gateway tells the first refusal of a kind at once and repetitions once a second, so an entry is kept far longer than
that. Of a flood it tells one that names no host; such a request is told nothing, rather than a guess.
"""

from collections import OrderedDict
from typing import Final

from cloche.browser.call import Blocked
from cloche.egress.refusals import Refusal

KEEP_S: Final = 60.0
MAX_KEPT: Final = 1024


class Refusals:
    """Owned by the session's browser service. `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[float, Blocked]] = OrderedDict()

    def note(self, refusal: Refusal, now: float) -> None:
        if not refusal.host:
            return
        key = (_canonical(refusal.host), refusal.port)
        self._kept[key] = (now, Blocked(str(refusal.reason), refusal.rule))
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def why(self, host: str, port: int, now: float) -> Blocked | None:
        """The last refusal of `host` and `port`, if it is not older than a minute."""
        found = self._kept.get((_canonical(host), port))
        if found is None or now - found[0] > KEEP_S:
            return None
        return found[1]


def _canonical(host: str) -> str:
    return host.removeprefix("[").removesuffix("]").removesuffix(".").lower()
