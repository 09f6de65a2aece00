"""How much memory each process takes, without asking the kernel more than it must be asked.

The kernel walks every mapping of a process to tell its proportional share (smaps_rollup, proc(5)): about 1 ms for
each of a browser's eight. With sixty idle sessions on a host those readings alone took a tenth of two processors. A
process whose resident size has not moved has not changed its share much either, and that size comes free with
/proc/PID/stat; so the share is read anew when the size has moved, and once a minute for what others have changed.
"""

from typing import Final, NamedTuple

from cloche.agent.procfs import Process, proportional_bytes

SAME_WITHIN_BYTES: Final = 512 * 1024
READ_ANEW_S: Final = 60.0


class _Known(NamedTuple):
    at: float
    started: int
    rss_bytes: int
    share_bytes: int


class Memory:
    """Remembers one reading per process of a session."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def total_bytes(self, processes: list[Process], now: float) -> int:
        """The processes' memory together; `now` is monotonic. Those that are not among them are forgotten."""
        self._known = {process.pid: self._reading(process, now) for process in processes}
        return sum(known.share_bytes for known in self._known.values())

    def _reading(self, process: Process, now: float) -> _Known:
        known = self._known.get(process.pid)
        if (
            known is not None
            and known.started == process.started
            and abs(known.rss_bytes - process.rss_bytes) <= SAME_WITHIN_BYTES
            and now - known.at < READ_ANEW_S
        ):
            return known
        return _Known(now, process.started, process.rss_bytes, proportional_bytes(process))
