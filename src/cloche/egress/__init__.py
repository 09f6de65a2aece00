"""The egress gateway: a sandbox's only way out.

Pure: `addresses` (which addresses are public), `policy` (what a session may reach), `socks5` (the wire).
Shell: `resolver` (names, cached), `connect` (dial only what was checked, happy eyeballs), `upstream` (a chained
proxy), `gateway` (accept, decide, splice), `accounting` (bytes and counts, plain numbers a session can read).

One gateway serves one session, on a listening socket that lives inside the sandbox's network namespace. It gets a
frozen policy and reports refusals and counters through callbacks; it knows nothing of sessions or sandboxes.
"""
