"""Directories in one piece: zip and tar down as streams, zip, tar and many files up, all or nothing.

`limits` and `names` (pure: what an archive may hold), `members` (what stands in one), `notes` (what did not get in).
Down: `walk` (a directory's entries, as they are found), `body` (the answer as it goes out), `tar_writer`, `zip_writer`,
`zip_directory`.
Up: `receiving` (the records of the body), `tar_reader`, `zip_reader`, `zip_end`, `staging` (where an upload is put
together), `tree` (what an archive holds, there), `descent` (moving about in directories by descriptors), `placing`
(how it takes its place: a journal of renames that can be undone), `uploads` (all of it, in order).
`zip_records` (the format), `api` (the requests).
"""
