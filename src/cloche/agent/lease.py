"""How long the agent may live without a word from the host. Pure: time is an argument."""

import math
from typing import Final

MAX_TTL_S: Final = 86_400.0

_LATE_S: Final = 1.0
_SECOND_CHANCE_S: Final = 5.0
_LAST_LOOK_S: Final = 0.25


class LeaseError(ValueError):
    """The time asked for is not one; the message is fit to be sent back."""


class Lease:
    """Runs out `ttl_s` seconds after it was last renewed. A ttl of 0 never runs out (until a host renews it)."""

    def __init__(self, ttl_s: float, now: float) -> None:
        self.expires_at = now + ttl_s if ttl_s > 0 else math.inf
        self._is_warned = False

    def renew(self, ttl_s: object, now: float) -> None:
        """Start it anew.

        Raises:
            LeaseError: not a number of seconds above 0 and up to a day.
        """
        if isinstance(ttl_s, bool) or not isinstance(ttl_s, int | float) or not 0 < ttl_s <= MAX_TTL_S:
            raise LeaseError(f"ttl_s must be a number above 0 and up to {MAX_TTL_S:.0f}")
        self.expires_at = now + ttl_s
        self._is_warned = False

    def has_expired(self, now: float) -> bool:
        """Say whether it is over, from someone who meant to look exactly at `expires_at`.

        Who comes much later was stopped meanwhile (a frozen cgroup, a paused machine) while the clock went on and
        the host's renewals lay unread: they get a few seconds to be read before the verdict. Who comes in time may
        have been stopped too, and just now go on: a moment for the same.
        """
        late = now - self.expires_at
        if late < 0:
            return False
        if late <= _LATE_S and self._is_warned:
            return True
        self._is_warned = True
        self.expires_at = now + (_SECOND_CHANCE_S if late > _LATE_S else _LAST_LOOK_S)
        return False
