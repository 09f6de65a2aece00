"""A client of Chromium's DevTools Protocol, as lean as one session's share of a daemon must be.

`frames` (pure) takes WebSocket frames apart and skips what is too large to be held; `connection` is one WebSocket with
all its calls under way and hands out events; `session` is one target's flattened session on it. Answers are decoded
only as far as somebody asks: what nobody reads is never parsed. Chromium stands inside the sandbox: every byte of it is
a stranger's.
"""
