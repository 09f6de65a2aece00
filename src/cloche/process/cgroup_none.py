"""No control groups to be had: limits come from rlimits and from the agent's own watchdog."""

from typing import Any

from cloche.process.cgroup import Cgroup, CgroupKind, CgroupRoot, GroupLimits, GroupUsage


class NoCgroup(Cgroup):
    """A group that holds nothing. A sandbox's pid namespace still ends all of it at once."""

    kind = CgroupKind.NONE

    def make(self, limits: GroupLimits) -> None:
        """Nothing to do: the caller sets rlimits."""

    def attach(self, pid: int) -> None:
        """Nothing to do: there is nowhere to move it."""

    def holds(self, pid: int) -> bool:
        return True

    def pids(self) -> list[int]:
        return []

    @property
    def can_freeze(self) -> bool:
        return False

    def set_frozen(self, *, frozen: bool) -> None:
        """Nothing to do: it knows no process."""

    def is_frozen(self) -> bool:
        return False

    def reclaim(self) -> None:
        """Nothing to do: it has no account of memory."""

    def kill(self) -> None:
        """Nothing to do: it knows no process."""

    def usage(self) -> GroupUsage:
        return GroupUsage()

    def remove(self) -> None:
        """Nothing to do: nothing was made."""

    def record(self) -> dict[str, Any]:
        return {"kind": str(self.kind)}


class NoCgroupRoot(CgroupRoot):
    kind = CgroupKind.NONE

    def at(self, name: str) -> Cgroup:
        return NoCgroup()
