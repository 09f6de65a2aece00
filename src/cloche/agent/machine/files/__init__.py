"""Files of the workspace and of the browser's profile: read, written, listed, moved, watched.

`entries` (what is told of a file), `content` (reading and writing), `tree` (directories, moves, removal), `watches`
(what changes, as events), `api` (the requests).
"""
