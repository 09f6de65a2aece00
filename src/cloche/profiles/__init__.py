"""Profiles: a browser's kept state, sealed at rest, in revisions.

`store` is what others call. It keeps the rows (`rows`) and the sealed files in step: `lease` says who may write,
`limits` how much there may be; `revisions` writes and reads one revision, `copies` makes profiles out of others (forks,
files of `portable`), `upkeep` wraps all keys anew and removes what a crash left. Below them `archive` is what is inside
a revision, `sealing` seals it into its place, and `blobs` are the files.

Knows nothing of sessions but their ids, and nothing of Chromium: what is kept is bytes that it does not look into.
"""
