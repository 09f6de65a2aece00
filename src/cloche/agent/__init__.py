"""The agent: the one process of ours inside a sandbox. It starts Chromium, keeps it running, and reports.

Parts: `main` (entry: Chromium first, the rest after), `options` (the command line), `lifecycle` (what the agent is
built of, and the order in which it ends), `loop` and `streams` (coroutines on epoll), `link`, `outbox` and `commands`
(the conversation with the host), `lease`; `supervisor`, `launch`, `devtools`, `output` and `restart_budget` (the
browser); `guest` and `guest_http` (streams the host opens to the inside); `metrics`, `procfs`, `population` and
`watchdog` (what runs in the sandbox, and its limits); `log`.

It imports the standard library and `cloche.wire`, nothing else: it ships as a zip of `cloche/__init__.py`,
`cloche/agent` and `cloche/wire`, and runs on CPython 3.11 or newer with `-IS`. The host is trusted; everything else
in the sandbox is not, and what it can write (files, `/proc` names, the DevTools port) is read with limits.
"""
