"""The machine API: a session as a small machine, over HTTP/1.1 on streams of the guest socket.

`problem` (how a failure is told), `fields` (a request's JSON, checked), `exchange` (one request and its answer),
`api` (which handler answers what; loads the rest when it is first asked for).
`beneath` (paths below the workspace or the browser's profile, without check-then-use).
`process` (programs), `files` (reading, writing, watching), `archives` (directories down and up in one piece),
`logs` (streams of lines), `parts` (the browser stopped, started, restarted, and who runs).

Everything runs on the agent's one loop: what could take long gives other tasks a turn, and nothing waits for a peer
without a deadline. All of it imports the standard library and `cloche.wire`.
"""
