"""Zstandard (RFC 8878) for archives on their way through the daemon: a tar leaves compressed and comes back plain.

`frames` (pure: where a stranger's frames and blocks begin and end, and what the next piece can grow to), `memory` (how
much all streams together may take), `codec` (the streams themselves, in worker threads). The agent compresses nothing:
it runs on the standard library alone.

Bounds. A frame that wants a window above 8 MiB is refused; that is what RFC 8878, section 3.1.1.1.2 asks every decoder
to support and what `zstd -19` makes, not `zstd --long`. All streams of the daemon share 16 MiB; one that finds no room
waits, and gives up after a while. What a stream holds of its data is a piece or two of at most 512 KiB.
"""
