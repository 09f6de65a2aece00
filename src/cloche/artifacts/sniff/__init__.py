"""What a file's bytes are and do, whatever its name says.

`look` is the door: a `Sample` (a file's first and last bytes) in, a `Content` (a type of `artifacts.types`, and the
reasons for suspicion that the bytes give) out. Below it: `signatures` (which type), `programs`, `text` and `markup`,
`documents` (PDF, OLE, RTF), `zips`, `packages` (what a zip archive is in truth), `tars`, `streams` (gzip and its like),
`members` (what is suspicious inside of any archive) and `foreign` (what is hidden in pictures and the like).

Everything is pure, never raises, and is bounded whatever the bytes say: by the sample's length, by `Budget` for what
is unpacked, and by depth for archives within archives. What cannot be seen within these bounds is said to be unseen.
"""
