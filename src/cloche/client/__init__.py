"""The Python client: make, watch and end sessions, manage keys.

    async with Client() as cloche:                       # CLOCHE_URL and CLOCHE_KEY
        session = await cloche.sessions.create(start_url="https://example.com")
        browser = await playwright.chromium.connect_over_cdp(session.connect_url)

Parts: `aio` (`Client`) and `sync` (`SyncClient`), two thin transports over the same pure core: `calls` (what is asked
and how its answer is read), `answers` (the types that come back), `failures` (problems to the classes of
`cloche.errors`), `connection` (where to and with which key), `events` (server-sent events, resumed after a drop).

Imports nothing of the server.
"""
