"""The live view's doors: the WebSocket `…/live/ws`, WebRTC over HTTP, and `/ws/sessions/{id}` of the isolation API.

    client ──► uvicorn (head parsed) ──► `upgrades` ──► `door` ──► `socket` (frames) ──► `conversation` ──► seat
    client ◄── `socket` ◄── `pictures` ◄── Subscription          `peer_link`: the same conversation over WebRTC

Pure: `frames` (what a client sends, taken apart with bounds), `closing` (why a place ended, as a close code), `hello`.
Shell: `door` (lets a WebSocket in), `socket` (a connection that says when it takes no more), `visit` (from joining to
leaving), `viewer` and `isolation` (what is spoken meanwhile, now and on the older path), `conversation` (what is said
of streams is seen to here, all else goes to the seat), `streams` (which way the pictures go), `pictures` (through the
socket), `peer_link` (over WebRTC; `peers` makes connections, `pausable` lets them rest), `desk` (offers by HTTP).

Nothing here knows what a session does with a message: `sessions.live.interface` is all that is asked of it.
"""
