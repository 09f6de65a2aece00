"""Whose a listening port is (proc_net_tcp(5), proc_pid_fd(5))."""

import os
from typing import Final

from cloche.agent.procfs import read_processes

_LISTEN: Final = "0A"
_MAX_TABLE_BYTES: Final = 1024 * 1024


def is_listening(leader: int, port: int) -> bool | None:
    """Return whether a process of the unix session that `leader` leads listens on this port of 127.0.0.1.

    None: it cannot be told, since the kernel withholds the sockets or whose they are.
    """
    try:
        with open("/proc/net/tcp", "rb") as table:
            inodes = listening_inodes(table.read(_MAX_TABLE_BYTES).decode("ascii", "replace"), port)
        wanted = {f"socket:[{inode}]" for inode in inodes}
        if _holds(leader, wanted):
            return True
        others = [process.pid for process in read_processes().values() if process.session == leader != process.pid]
    except OSError:
        return None
    return any(_may_hold(pid, wanted) for pid in others)


def listening_inodes(table: str, port: int) -> set[str]:
    """Return the inodes of the sockets that listen on this port, on any address, out of a `/proc/net/tcp`."""
    found = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN and fields[1].endswith(f":{port:04X}"):
            found.add(fields[9])
    return found


def _holds(pid: int, wanted: set[str]) -> bool:
    """Raises: OSError: its descriptors cannot be seen."""
    directory = f"/proc/{pid}/fd"
    for name in os.listdir(directory):
        try:
            if os.readlink(f"{directory}/{name}") in wanted:
                return True
        except FileNotFoundError:
            continue  # closed since
    return False


def _may_hold(pid: int, wanted: set[str]) -> bool:
    try:
        return _holds(pid, wanted)
    except OSError:
        return False  # gone since, or a helper that shows nothing: it is not the one that listens
