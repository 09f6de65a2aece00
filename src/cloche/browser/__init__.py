"""The browser inside a sandbox, as the host sees it.

`launch` (pure) turns session options into Chromium's arguments and environment. Everything that drives a page will
live here too; nothing here knows sandboxes, links or sessions.
"""
