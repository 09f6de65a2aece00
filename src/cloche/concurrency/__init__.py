"""The few ways in which Cloche runs things at once.

Parts: `tasks` (named spawn), `event_bus` (bounded fan-out), `threads` (blocking work off the loop, waited for to its
end), `splice` (bytes between two sockets). Knows nothing of sessions, sandboxes or HTTP.
"""
