"""What a session looks like, carried to whoever watches it, and what they do with their hands, carried back.

`capture` takes pictures from the browser, `encoder` turns them into video in a child of its own, `fanout` gives each
viewer what it can take, `webrtc` sends it; `input` makes of what viewers do what Chromium is told.
"""
