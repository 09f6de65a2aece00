"""The egress gateway: a sandbox's only way out.

Pure: `addresses` (which addresses are public), `hosts` (names, patterns, private hosts), `ports` (ports and schemes),
`upstream_url` (a chained proxy's URL), `policy` (what a session may reach), `socks5` (the wire), `refusals` (events,
coalesced), `accounting` (bytes and counts, plain numbers a session can read).
Shell: `resolver` (names, cached), `lookups` (the system's resolver, a hosts file), `connect` (dial only what was
checked, happy eyeballs), `upstream` (a chained proxy), `destination` (judge, resolve, judge, dial), `connection` (one
client), `gateway` (accept, count, tell), `segments` (larger segments on the sandbox's loopback).

    listener ─► gateway ─► connection ─► destination ─► policy.decide_host ─► resolver ─► policy.decide_addresses
                                │                                                              │
                                └── splice, with the byte budget ◄── connect / upstream ◄──────┘

One gateway serves one session, on a listening socket that lives inside the sandbox's network namespace. It gets a
frozen policy and reports refusals and counters through callbacks; it knows nothing of sessions or sandboxes.
"""
