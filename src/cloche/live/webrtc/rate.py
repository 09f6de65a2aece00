"""How many bits a second a viewer's link takes. Pure: what the viewer reports and the time in, a number out.

Two witnesses. Receiver reports tell the loss (as in draft-ietf-rmcat-gcc-02, section 6): below 2 % all is well, above
10 % the rate falls by half the loss; a handful of packets proves nothing. REMB (draft-alvestrand-rmcat-remb-03) is what
the viewer has worked out from when packets came; and it must be read with care, because

- it begins low and grows by 8 % a second, however much the link takes;
- it never grows beyond one and a half times of what has come: after a still page it is low, and says nothing of the
  link.

So a low REMB is no sign of trouble. One that falls is: the viewer has seen packets come later and later. Then, and
until it rises again, we go down to it, though not by more than half in one second; and a round trip that has become
much longer (a queue has formed) lets it be believed in full. Else it is a roof that we may lift by trying. Without any
sign of trouble there is no estimate at all (None), and the video's usual rate holds.
"""

from typing import Final

from cloche.live.model import MAX_BITS_PER_SECOND, MIN_BITS_PER_SECOND

WARM_UP_S: Final = 6.0
"""For so long after the first packet a falling REMB is not believed either: it is being made up."""
LITTLE_LOSS: Final = 0.02
MUCH_LOSS: Final = 0.10
GROWTH: Final = 1.08
"""A second, while there is little loss and what is allowed is made use of."""
QUICK_GROWTH: Final = 1.3
"""The same, where the viewer's own estimate is far above."""
ENOUGH_PACKETS: Final = 20
"""Fewer between two reports tell nothing of the loss."""
_FULL: Final = 0.8
"""Less than this part of what REMB allows is no burden, whatever it is."""
_FALL: Final = 0.97
_RISE: Final = 1.01
_ROOF: Final = 1.5
_CLEAR_S: Final = 30.0
"""After so long without trouble an estimate that is far above what is sent is given up."""


class Rate:
    """One viewer's. Every `now_s` is of one monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._estimate: float | None = None
        self._changed_s = now_s
        self._lowered_s = float("-inf")
        self._remb: float | None = None
        self._is_falling = False
        self._sent = 0.0
        self._shortest_rtt_s = float("inf")
        self._is_queueing = False

    @property
    def bits_per_second(self) -> int | None:
        """None: no reason to think of a limit."""
        return None if self._estimate is None else int(self._estimate)

    def sent(self, bits_per_second: float) -> None:
        """What has been sent lately; told every second."""
        self._sent = bits_per_second

    def report(self, *, fraction_lost: float, packets: int, rtt_s: float | None, now_s: float) -> None:
        """A receiver report. `packets`: that were to come since the last, of which `fraction_lost` did not."""
        if rtt_s is not None:
            self._shortest_rtt_s = min(self._shortest_rtt_s, rtt_s)
            self._is_queueing = rtt_s > 2 * self._shortest_rtt_s + 0.2
        if fraction_lost > MUCH_LOSS and packets >= ENOUGH_PACKETS:
            self._lower(self._current() * (1 - 0.5 * fraction_lost), now_s)
        elif fraction_lost < LITTLE_LOSS and not self._is_queueing:
            self._grow(now_s)

    def remb(self, bits_per_second: float, now_s: float) -> None:
        """The viewer's own estimate."""
        before, self._remb = self._remb, max(bits_per_second, 1.0)
        if before is not None and self._remb < _FALL * before:
            self._is_falling = True
        elif before is not None and self._remb > _RISE * before:
            self._is_falling = False
        is_falling = self._is_falling and now_s - self._began_s >= WARM_UP_S
        is_full = self._sent >= _FULL * self._remb and self._remb < self._current()
        if is_full and (is_falling or self._is_queueing):
            self._lower(self._remb, now_s)

    def _current(self) -> float:
        """The estimate, or what is sent, which is all that is known to be possible."""
        return self._sent if self._estimate is None else self._estimate

    def _lower(self, wanted: float, now_s: float) -> None:
        # Reports and REMB of one bad second are about the same packets: it counts once.
        if now_s - self._lowered_s < 1.0:
            return
        floor = MIN_BITS_PER_SECOND if self._is_queueing else max(MIN_BITS_PER_SECOND, 0.5 * self._current())
        self._estimate = min(max(wanted, floor), MAX_BITS_PER_SECOND)
        self._lowered_s = self._changed_s = now_s

    def _grow(self, now_s: float) -> None:
        if self._estimate is None:
            return
        elapsed = min(now_s - self._changed_s, 2.0)
        self._changed_s = now_s
        if now_s - self._lowered_s > _CLEAR_S and self._sent < 0.5 * self._estimate:
            # Nobody wants that much: what is not made use of limits nothing.
            self._estimate = None
        elif self._sent >= 0.5 * self._estimate:
            roof = MAX_BITS_PER_SECOND if self._remb is None else max(_ROOF * self._remb, self._estimate)
            growth = QUICK_GROWTH if self._remb is not None and self._remb > _ROOF * self._estimate else GROWTH
            self._estimate = min(self._estimate * growth**elapsed, roof, MAX_BITS_PER_SECOND)
