"""Streams of lines: of a file that grows, of the browser, of the agent, of what became of the browser.

`lines` (pure: bytes in, lines out), `follower` (a file across rotation and truncation), `api` (the request).
"""
