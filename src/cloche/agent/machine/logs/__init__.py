"""Streams of lines: of a file that grows, of the browser, of the agent, of what became of the browser.

`lines` (bytes in, lines out), `position` (where a reader goes on) and `events` (lines as server-sent events) are pure;
`log_file` (one open file), `follower` (a name, across rotation and truncation), `api` (the request).
"""
