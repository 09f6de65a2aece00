"""Who is asking, and whether the browser that carries the question may.

Parts: `keys` (API keys: made, listed, revoked, verified) with its table in `rows`; `tokens` (pure: signed, bound to
one session and role, for URLs); `credentials` (a request's key or token to a principal); `guard` (Host and Origin,
against DNS rebinding and pages of other origins).

A secret is stored only as its SHA-256 and compared in constant time; nothing here logs one.
"""
