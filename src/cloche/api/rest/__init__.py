"""The native REST API: one module per resource, snake_case JSON, RFC 9457 problems.

`schemas` (what comes in and goes out, as pydantic), `sessions`, `events` (SSE), `devtools` (Chromium's `/json/…`),
`agent` (the sandbox's own health and metrics), `live` (the page), `keys`, `operations` (health, readiness, metrics,
the API's description). Each offers one `router`. An endpoint checks who asks, calls the session manager and renders.
"""
