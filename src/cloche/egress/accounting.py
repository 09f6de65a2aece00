"""What a gateway has let through and turned away: plain numbers, counted up in place and read by whoever likes."""

from dataclasses import dataclass, field

from cloche.egress.policy import RefusalReason


@dataclass(slots=True)
class Counters:
    """Owned and written by one gateway. A session that is adopted hands in where the last gateway stopped."""

    bytes_in: int = 0
    """To the sandbox: payload only, SOCKS messages are not counted."""
    bytes_out: int = 0
    """From the sandbox."""
    connections_total: int = 0
    """Connections that reached their destination."""
    connections_open: int = 0
    failures_total: int = 0
    """Allowed, but not reached: the name does not resolve, the destination refuses or is silent."""
    refusals_total: int = 0
    refusals: dict[RefusalReason, int] = field(default_factory=dict)

    @property
    def bytes_total(self) -> int:
        return self.bytes_in + self.bytes_out

    def count_refusal(self, reason: RefusalReason) -> None:
        self.refusals_total += 1
        self.refusals[reason] = self.refusals.get(reason, 0) + 1


@dataclass(slots=True)
class ByteBudget:
    """Lets bytes through while there are any left, and counts them. `max_bytes` None: no limit."""

    counters: Counters
    max_bytes: int | None
    leased: int = 0
    """Set aside for a worker of the data plane, and not counted yet."""

    @property
    def exhausted(self) -> bool:
        return self.max_bytes is not None and self.counters.bytes_total >= self.max_bytes

    def take_in(self, count: int) -> int:
        """Ask for `count` bytes towards the sandbox; returns how many may pass and counts those."""
        granted = self._granted(count)
        self.counters.bytes_in += granted
        return granted

    def take_out(self, count: int) -> int:
        """Likewise, from the sandbox."""
        granted = self._granted(count)
        self.counters.bytes_out += granted
        return granted

    def lease(self, count: int) -> tuple[int, bool]:
        """Set up to `count` bytes aside; returns how many, and whether they are the last."""
        granted = self._granted(count)
        self.leased += granted
        return granted, granted < count

    def moved(self, out_bytes: int, in_bytes: int) -> None:
        """So much of what was leased has passed."""
        self.counters.bytes_out += out_bytes
        self.counters.bytes_in += in_bytes
        self.leased -= out_bytes + in_bytes

    def release(self, count: int) -> None:
        """So much of what was leased is not needed."""
        self.leased -= count

    def _granted(self, count: int) -> int:
        if self.max_bytes is None:
            return count
        return max(0, min(count, self.max_bytes - self.counters.bytes_total - self.leased))
