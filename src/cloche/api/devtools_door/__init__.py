"""DevTools WebSockets, and those of a session's programs: let in at the door, then spliced.

    client ──► uvicorn (head parsed) ──► `door` ──► manager.attach, attachment.dial ──► Chromium answers 101
    client ◄──────────────── bytes copied both ways, never parsed or altered ────────────────► Chromium

Pure: `head` (request and response heads with limits; what of a request may reach Chromium), `frames` (where in the
stream frames begin and end), `closing` (why a connection ends, as a close code). Shell: `door` (uvicorn's protocol
class), `passage` (the handshake, the splice and the close), `client_socket` (a socket that knows whether it is between
two frames), `exchange` (one small HTTP request to Chromium's `/json/…`).

A program's (`…/process/{id}/attach`) goes the same way to the agent, by `manager.machine` and a tunnel of it, for who
has a key: the token in a connect link drives a browser and opens nothing else.

Before the upgrade an error is an ordinary HTTP problem answer. After it, the only byte of ours a client ever sees is a
Close frame, and only between two of Chromium's frames. There are no pings and no idle limit: a slow client is kept.
"""
