"""Programs in the sandbox: run, watched, talked to, ended.

`ring` (what was printed, bounded, from any offset), `program` (one process: pipes or a terminal), `usage` (its
processor time and memory), `table` (all of them, their limits and how long ended ones are kept), `api` (the requests),
`attach` (a terminal over a WebSocket).
"""
