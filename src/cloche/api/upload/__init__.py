"""Uploads on their way from a client to the agent: read as they come, passed on as records, never held.

`multipart` (pure: a form's parts out of its bytes), `forms` (pure: which parts a route knows, and what is made of
them), `records` (the two put together, and an archive unpacked on the way, as the agent's `cloche.wire.upload`).

Whatever a client sends, no more is held than a piece of the body, the names of its parts and its short texts. Where
files go, whether they may, and that all of them do or none, is the agent's to see to.
"""
