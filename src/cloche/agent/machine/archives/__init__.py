"""Directories in one piece: zip and tar down as streams, zip, tar and many files up, all or nothing.

`limits` and `names` (pure: what an archive may hold), `walk` (a directory's entries, as they are found), `zip_writer`,
`tar_writer`, `zip_reader`, `tar_reader`, `staging` (where an upload is put together), `placing` (how it takes its
place: a journal of renames that can be undone), `api` (the requests).
"""
