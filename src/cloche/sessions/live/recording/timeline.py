"""When a frame is shown, counted from the first. Pure.

A chunk tells when its picture was drawn, which is truer than when it came: chunks that had to wait come together. But
it is the browser's word and the wall clock's, so it is taken only where it agrees with when the chunk came.
"""

from typing import Final

MAX_DELAY_MS: Final = 5_000
"""Between drawing and coming: what is beyond is not believed."""


class Timeline:
    """Of one part. Wall times in milliseconds since 1970, monotonic ones in seconds."""

    def __init__(self) -> None:
        self._began: tuple[int, float] | None = None
        self._last_ms = -1

    @property
    def has_begun(self) -> bool:
        return self._began is not None

    def place(self, taken_at_ms: int, now: float) -> int:
        """Of the next frame, in milliseconds; later than that of the one before."""
        if self._began is None:
            self._began = (taken_at_ms, now)
        came_ms = self.at_ms(now)
        drawn_ms = taken_at_ms - self._began[0]
        placed = drawn_ms if came_ms - MAX_DELAY_MS <= drawn_ms <= came_ms else came_ms
        self._last_ms = max(placed, self._last_ms + 1)
        return self._last_ms

    def at_ms(self, now: float) -> int:
        """How far the part has come; 0 before its first frame."""
        return 0 if self._began is None else max(0, round((now - self._began[1]) * 1000))
