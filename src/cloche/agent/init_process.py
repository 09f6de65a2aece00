"""Telling the machine's first process that it was restored (SIGUSR1), if that process has an ear for it."""

import os
import signal

_STATUS = "/proc/1/status"


def tell_init() -> str:
    """Send SIGUSR1 to pid 1; return why it was not sent, or nothing.

    Only if it has a handler: for a first process without one the kernel drops the signal, and the host would be told
    of a success that means nothing; one that is reached from outside its pid namespace would be killed by it.
    """
    try:
        with open(_STATUS, encoding="ascii", errors="replace") as file:
            if not catches(file.read(), signal.SIGUSR1):
                return "pid 1 has no handler for SIGUSR1"
        os.kill(1, signal.SIGUSR1)
    except OSError as error:
        return f"pid 1 cannot be told: {error.strerror}"
    return ""


def catches(status: str, number: int) -> bool:
    """Whether a process has a handler for a signal, from its `/proc/PID/status` (SigCgt, proc_pid_status(5)). Pure."""
    for line in status.splitlines():
        name, _, mask = line.partition(":")
        if name == "SigCgt":
            return bool(int(mask, 16) >> (number - 1) & 1)
    return False
