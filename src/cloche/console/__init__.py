"""The web console: its built files, and the routes that serve them.

Its source is the folder `console/` of the repository (React, TypeScript, Vite); `script/console` builds it into
`static/` here, which is not committed. The pages talk to the same API as everybody, with the key somebody signs in
with; nothing here knows a session or a key.

Parts: `bundle` (the built files, in memory), `serve` (routes, headers, the page for a console that was not built).

Must not import `api` or a concern.
"""
