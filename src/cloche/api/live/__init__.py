"""The live view's doors: the WebSocket `…/live/ws`, WebRTC over HTTP, and `/ws/sessions/{id}` of the isolation API.

    client ──► uvicorn (head parsed) ──► `upgrades` ──► `door` ──► `socket` (frames) ──► `conversation` ──► seat
    client ◄── `socket` ◄── `pictures` ◄── Subscription          `peer`: the same conversation over WebRTC

Pure: `frames` (what a client sends, taken apart with bounds), `closing` (why a place ended, as a close code), `hello`.
Shell: `door` (lets a WebSocket in), `socket` (a connection that says when it takes no more), `conversation` (stream
messages are seen to here, all others go to the seat), `pictures` (one subscription's way out), `peer`
(WebRTC for one viewer), `desk` (offers by HTTP, and the viewers who came by them), `isolation` (the older messages).

Nothing here knows what a session does with a message: `sessions.live.interface` is all that is asked of it.
"""
