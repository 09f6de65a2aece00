"""Everything a user types at or dials over HTTP.

Parts: `app` (builds the ASGI application), `server` (runs it on sockets the daemon has bound), `auth/` (keys, tokens,
Host and Origin), `rest/` (one module per resource), `devtools_door/` (DevTools WebSockets, spliced), `pages/` (the
live page and the API reference), `problem` (errors out), `limits` and `json_body` (what may come in), `observe`
(request ids, metrics, log lines), `urls` (the links in answers).

A door turns bytes into calls of the session manager and its answers into bytes, and adds no behaviour of its own. It
must not import a driver, the agent link, or anything else below `cloche.sessions`.
"""
