"""The data plane: byte streams between two sockets, in the daemon or in worker processes.

    door, gateway ──relay(two sockets, an order)──► `relay` ─┬─ here, in the daemon's loop: `running`
                                                             └─ `workers` ─► `worker_process` ═══ `worker`: `running`

Whoever decides (the door's tokens, the gateway's policy and names) has decided before a relay begins. What comes here
is two connected sockets and an order that does not change. A worker gets copies of the two descriptors over a unix
socket (SCM_RIGHTS) and tells what it has moved; the daemon keeps its own, and with them the last word.

Pure: `frames` (where in a WebSocket's stream frames begin and end), `wire` (what daemon and worker say).
Shell: `relay` (the order, the outcome, who meters), `running` (one relay), `client_socket` (a socket that knows whether
it is between two frames), `channel` (messages and descriptors over one socket), `lease` (a worker's share of a byte
budget), `worker` (the program), `worker_process` (the daemon's side of one), `workers` (all of them, kept alive),
`metrics`. It knows nothing of sessions, policies or browsers.
"""
