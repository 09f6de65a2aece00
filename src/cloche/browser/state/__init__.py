"""What a browser keeps and how it is set, for the default browser context: the session's own.

`cookies` and `storage_state` (Playwright's JSON, in and out) stand on `origin_page`, a page at any origin that needs no
network; `origins` (pure) checks and remembers origins. `permissions` changes Chromium's answers and keeps them in the
session's memory for the next Chromium; `reset` forgets. `viewport` belongs to one tab, `inspect` shows it all without
its secrets. Browser contexts that clients have made for themselves are left alone throughout.
"""
