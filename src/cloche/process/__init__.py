"""Children of the daemon, and the kernel limits they live under.

Parts: `pidfd` (who a process is, and waiting for its end), `readiness` (waiting for a descriptor), `spawn` (start a
child with nothing inherited by accident), `stop` (ask, TERM, KILL, reap, each with its deadline), `output` (what a
child wrote, bounded by the kernel), `cgroup` (one interface over `cgroup_v2`, `cgroup_v1` and `cgroup_none`, and the
detection that says which is in force), `oom` (whom the kernel takes first when the machine has no memory left),
`pressure` (how short of everything the machine is, parsed) and `host_readings` (read).

Knows processes and limits, and nothing of sandboxes or sessions. Functions that touch files or start processes
block for some milliseconds and say so; callers run them off the event loop.
"""
