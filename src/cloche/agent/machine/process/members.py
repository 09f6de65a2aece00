"""Who belongs to a program: whoever is in the unix session that it leads, also after it has ended."""

from collections.abc import Mapping

from cloche.agent.procfs import Process


def members_of(everyone: Mapping[int, Process], pid: int, started: int) -> list[Process]:
    """Pick the members of the session of a process with this pid and start time, itself among them while it is there.

    A number is not given out anew while a session goes by it. So if it is somebody else's now, that session is over;
    and whoever began before the process did is of an earlier one.
    """
    leader = everyone.get(pid)
    if leader is not None and leader.started != started:
        return []
    return [process for process in everyone.values() if process.session == pid and process.started >= started]
