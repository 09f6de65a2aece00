"""What stands between a door and a session's browser: its budget, its domains, its log, its one connection.

Pure: `meter` (actions, in all and in a sliding window), `domains` (where may be acted), `rules` (how long a call may
take, whether it waits its turn, what of it the domains are asked about), `refusals` (why the gateway said no),
`limits` and `usage` (from the budget and back). Shell: `service` (what the doors call), `lazy_browser` (the connection
to Chromium), `turns` (one action after the other on a tab), `action_log`, `tools` (what comes from `cloche.browser`).

The runner owns one service for each session. How something is done in a page is `cloche.browser`'s matter.
"""
