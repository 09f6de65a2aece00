"""Files that came out of sessions: what they are (`types`, `verdict`), and where they are kept (`store`).

Knows nothing of sessions but their ids, and nothing of Chromium.
"""
