"""Files of a session, over HTTP: read, written, listed, made, moved, removed, watched.

`api` (the requests), `entries` (what is told of a file, and a directory's list), `content` (reading and writing),
`permissions` (modes and owners), `tree` (directories made, things moved and removed), `removal` (a whole directory),
`labels` (pure: names and times in answers), `happenings` (pure: what a watch tells, and how much of it is kept),
`watches` (directories that are watched).

Every path goes through `machine.beneath`; what is held meanwhile is a descriptor, never a path. A file that is written
is put together under a name of ours beside the one it is to have, and renamed at the end.
"""
