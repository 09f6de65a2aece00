"""The command line: one file per command group, named for it.

`main` (the app and what errors become), `serve`, `doctor`, `session`, `key`, `machine`, `browse` (with
`browse_output`), `agent` (with `agent_targets`, `agent_questions`, `agent_output`); `connection` (which server, which
key), `local` (settings and the state directory of this machine), `output` (tables and JSON), `saving` (files).

Groups go through `cloche.client`; only `serve`, `doctor` and `key --local` touch the daemon's own parts, and `agent`
reaches an agent by its socket without any. Whatever is slow to import is imported inside the command that needs it:
`cloche --help` answers at once.

Exit codes: 0 done, 1 failed (the problem's code is on stderr), 2 wrong usage or settings.
"""
