"""The agent: the one process of ours inside a sandbox. It starts Chromium, keeps it running, and reports.

Parts: `main` (entry: Chromium first, the rest after), `options` and `guest_config` (the command line and its file),
`lifecycle` (what the agent is built of, and the order in which it starts and ends), `loop` and `streams` (coroutines
on epoll), `child` (commands of its own); `link`, `outbox` and `commands` (the conversation with the host), `lease`;
`supervisor`, `life`, `launch`, `devtools`, `listening`, `browser_close`, `tabs`, `output` and `restart_budget` (the
browser); `guest` (streams the host opens to the inside) with `machine/` (what is asked on them) and `journal`;
`metrics`, `procfs`, `memory`, `memory_limit`, `population` and `watchdog` (what runs in the sandbox, and its limits);
`activity` and `load` (idle or busy); `watch/` (changes in the workspace); `log`.

The other half is put together by `guest_side` where it is needed: `guest_protocol/` (listeners, conversations, verbs,
Exec), `checks/` (integrations and probes), `sleep` with `sleep_states`, `clocks`, `disks` and `init_process`.

It imports the standard library and `cloche.wire`, nothing else: it ships as a zip of `cloche/__init__.py`,
`cloche/agent` and `cloche/wire`, and runs on CPython 3.11 or newer with `-IS`. The host is trusted; everything else
in the sandbox is not, and what it can write (files, `/proc` names, the DevTools port) is read with limits.
"""
