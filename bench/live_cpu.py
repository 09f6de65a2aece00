"""What a daemon, its encoders, its sessions and a viewer's browser take of the processors."""

from collections import defaultdict

from processes import below, processes


def cpu_by_part(daemon_pid: int, own_pid: int) -> dict[str, float]:
    """Seconds so far, by `daemon`, `encoder`, `session` and `viewer` (what the bench itself has started)."""
    known = processes()
    found: dict[str, float] = defaultdict(float)
    found["daemon"] = known[daemon_pid].cpu_s
    daemons = below(daemon_pid, known)
    for pid in daemons:
        found["encoder" if "live.encoder" in known[pid].command else "session"] += known[pid].cpu_s
    for pid in below(own_pid, known) - daemons - {daemon_pid}:
        found["viewer"] += known[pid].cpu_s
    return found


def encoder_pids(daemon_pid: int) -> list[int]:
    known = processes()
    return [pid for pid in below(daemon_pid, known) if "live.encoder" in known[pid].command]
