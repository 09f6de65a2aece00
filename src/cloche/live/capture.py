"""The browser's pictures: when it makes any, and how fast. Acknowledgements are the reins.

Chromium (content/browser/devtools/protocol/page_handler.cc) sends a few pictures that are not acknowledged, drops what
is drawn after those, and does not send it later. So what was drawn last before a page came to rest may be missing, and
is asked for by beginning anew.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from cloche.live.pace import Appetite, Spacing, interval_s
from cloche.live.screencast import CaptureParams, Screencast
from cloche.live.timers import Alarm, Timers

LINGER_S: Final = 2.0
"""From the last viewer's leaving to the end of capture, so that a reload does not begin anew."""
UNWATCHED_INTERVAL_S: Final = 0.25
"""While nobody takes pictures: often enough to have one that is new."""
DENSE_S: Final = 0.1
"""Pictures that follow each other faster may have lost one between or after them."""
ANSWERED_WITHIN_S: Final = 0.25
MAX_ANSWERS: Final = 3
"""Pictures so soon after the screencast began anew show what is there. Chromium 156 sends one."""
_FPS_OVER_S: Final = 2.0


class Capture:
    """Owns the screencast of a session: begun by `want`, ended some time after `unwant`."""

    def __init__(
        self,
        screencast: Screencast,
        params: CaptureParams,
        timers: Timers,
        *,
        on_stop: Callable[[], None],
        on_fps: Callable[[float], None],
    ) -> None:
        """`on_stop`: what was taken will soon be old. `on_fps`: told now and then while pictures come densely."""
        self.max_fps = 0.0
        """The most that anybody takes."""
        self._screencast = screencast
        self._params = params
        self._timers = timers
        self._on_stop = on_stop
        self._on_fps = on_fps
        self._is_on = False
        self._is_wanted = False
        self._held: int | None = None
        """The token of a picture that nobody has taken yet."""
        self._to_ack: deque[int] = deque()
        self._spacing = Spacing()
        self._appetite = Appetite()
        self._ack_alarm = Alarm(timers, self._acknowledge_due)
        self._stop_alarm = Alarm(timers, self._stop)
        self._arrived_at = self._waiting_since = 0.0
        self._may_have_missed = False
        self._answers_due = 0
        self._looked_at = 0.0
        self._counted_from = 0.0
        self._count = 0

    @property
    def is_on(self) -> bool:
        return self._is_on

    def want(self) -> None:
        self._is_wanted = True
        self._stop_alarm.off()
        if not self._is_on:
            self._is_on = True
            self._screencast.start(self._params)

    def unwant(self) -> None:
        self._is_wanted = False
        if self._is_on:
            self._stop_alarm.by(self._timers.time() + LINGER_S)
        if self._held is not None:
            self._release()

    def begin_anew(self) -> None:
        """Another page is shown, or the same from another browser."""
        if self._is_on:
            self._release_all()
            self._answers_due = 0
            self._screencast.start(self._params)

    def browser_gone(self) -> None:
        """Nothing it sent can be acknowledged any more."""
        self._held = None
        self._to_ack.clear()
        self._ack_alarm.off()

    def arrived(self, token: int) -> None:
        """A picture has come. The one before, if it still waits, is acknowledged: newest wins."""
        if not self._is_on:
            self._screencast.acknowledge(token)
            return
        now = self._timers.time()
        if self._answers_due and now - self._looked_at < ANSWERED_WITHIN_S:
            self._answers_due -= 1
            self._may_have_missed = False
        elif self._to_ack or self._held is not None or now - self._arrived_at < DENSE_S:
            self._may_have_missed = True
        self._count_fps(now)
        self._arrived_at = now
        if self._held is None:
            self._waiting_since = now
        else:
            self._release()
        self._held = token
        if not self._is_wanted:
            self._release()

    def taken(self) -> None:
        """Somebody has taken the newest picture: the next may come."""
        if self._held is not None:
            now = self._timers.time()
            self._appetite.taken(now - self._waiting_since)
            self._release()

    def look_again(self) -> None:
        """The page has come to rest: make sure that the last picture is the last."""
        if self._is_on and self._may_have_missed:
            self._may_have_missed = False
            self._answers_due, self._looked_at = MAX_ANSWERS, self._timers.time()
            self._release_all()
            self._screencast.start(self._params)

    def close(self) -> None:
        self._stop_alarm.off()
        if self._is_on:
            self._stop()

    def _stop(self) -> None:
        self._is_on = self._may_have_missed = False
        self._release_all()
        self._screencast.stop()
        self._on_stop()

    def _release(self) -> None:
        """Let what is held be acknowledged, now or when it is time."""
        if self._held is not None:
            self._to_ack.append(self._held)
            self._held = None
        self._acknowledge_due()

    def _release_all(self) -> None:
        self._ack_alarm.off()
        if self._held is not None:
            self._to_ack.append(self._held)
            self._held = None
        while self._to_ack:
            self._screencast.acknowledge(self._to_ack.popleft())

    def _acknowledge_due(self) -> None:
        now = self._timers.time()
        while self._to_ack:
            if now < self._spacing.due:
                self._ack_alarm.by(self._spacing.due)
                return
            self._spacing.passed(now, self._interval())
            self._screencast.acknowledge(self._to_ack.popleft())

    def _interval(self) -> float:
        if not self._is_wanted:
            return UNWATCHED_INTERVAL_S
        # Twice as many as are taken: what is taken is then never older than half the time between two.
        return max(interval_s(self.max_fps), self._appetite.interval_s / 2)

    def _count_fps(self, now: float) -> None:
        if now - self._arrived_at > DENSE_S:
            self._counted_from, self._count = now, 0
            return
        self._count += 1
        if now - self._counted_from >= _FPS_OVER_S:
            self._on_fps(self._count / (now - self._counted_from))
            self._counted_from, self._count = now, 0
