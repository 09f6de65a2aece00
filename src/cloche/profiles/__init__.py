"""Profiles: a browser's kept state, sealed at rest, in revisions.

`store` keeps revisions as sealed files and their rows in step; `lease` says who may write; `archive` is what is inside
a revision. Knows nothing of sessions but their ids, and nothing of Chromium.
"""
