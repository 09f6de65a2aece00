"""Programs in the sandbox: run, watched, talked to, ended.

`ring` (pure: what was printed, bounded, from any offset), `members` (pure: who belongs to a program), `usage` (its
processor time and memory), `stdin` (its input), `program` (one process: pipes or a terminal), `table` (all of them,
their limits and how long ended ones are kept), `request` (what is asked for), `status` and `output` (what is told),
`attach` (a terminal over a WebSocket), `api` (the requests).
"""
