"""What host and agent say to each other, as bytes in and decisions out.

Parts: `ndjson` (newline-delimited JSON with limits), `json_stream` (objects back to back, as a tolerant agent reads
them), `messages` (the agent link's vocabulary), `frames`, `vsock_handshake` and `guest` (the guest protocol: its
frames, the text that may come before them, its vocabulary), `preface` (the one line that opens a stream on the guest
socket), `agent_config` (what the daemon tells an agent at its start).

Everything here is pure: no socket, clock or environment. Both sides import it, and the agent ships with nothing
but this package and the standard library, so nothing here may import outside the standard library and itself.

Records here are named tuples and not dataclasses: importing `dataclasses` costs an agent 20 ms of its start, beside a
browser that starts on the same cores, and a megabyte.
"""
