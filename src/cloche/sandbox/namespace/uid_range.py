"""Which host uid belongs to which sandbox. Pure: facts in, a uid out.

When the daemon is really root, every sandbox runs under a host uid of its own, so that even a process that got out
of all namespaces could touch nothing of another sandbox. Who holds a uid is written in the file system only: the
group of the sandbox's run directory. So a reservation survives the daemon and cannot be leaked apart from it.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UidRange:
    """`count` uids from `first`, and the gids of the same numbers.

    The default lies in 1879048192–2147352575, which systemd's table of uids leaves unused (UIDS-GIDS.md), far from
    login users, from what useradd gives to /etc/subuid, and from container ranges.
    """

    first: int = 2_000_000_000
    count: int = 65_536

    def __contains__(self, uid: object) -> bool:
        return isinstance(uid, int) and self.first <= uid < self.first + self.count


def pick(uids: UidRange, session_id: str, taken: Collection[int]) -> int | None:
    """Choose a free uid; None when there is none.

    The search starts at a place that depends on the session, so that a uid is not handed on at once to the next.
    """
    digest = hashlib.sha256(session_id.encode()).digest()
    start = int.from_bytes(digest[:8]) % uids.count
    for step in range(min(uids.count, len(taken) + 1)):
        uid = uids.first + (start + step) % uids.count
        if uid not in taken:
            return uid
    return next((uid for uid in range(uids.first, uids.first + uids.count) if uid not in taken), None)


def is_covered(uid_map: str, uids: UidRange) -> bool:
    """Whether a process with this /proc/<pid>/uid_map can become every uid of the range.

    Root in a rootless container has uid 0 and a map that ends at 65536: it counts as unprivileged.
    """
    for line in uid_map.splitlines():
        inside, _outside, length = (int(field) for field in line.split())
        if inside <= uids.first and uids.first + uids.count <= inside + length:
            return True
    return False


def holders(uids: UidRange, passwd: str, subuid: str) -> list[str]:
    """Name the users of /etc/passwd and /etc/subuid (passwd(5), subuid(5)) who hold uids of this range."""
    found: list[str] = []
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit() and int(fields[2]) in uids:
            found.append(fields[0])
    for line in subuid.splitlines():
        fields = line.split(":")
        if len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
            first, count = int(fields[1]), int(fields[2])
            if first < uids.first + uids.count and uids.first < first + count:
                found.append(fields[0])
    return found
