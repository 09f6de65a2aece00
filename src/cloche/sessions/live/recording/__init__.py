"""Recordings: what a session shows, kept as a file of video.

    stream ─► run ─► part (frames, marks) ─► spool (sealed, without a name) ─► muxer child ─► artifact

`recorder` is what a session's live view talks to; `run` takes the pictures in, one part after the other; `spool` holds
a part until it has ended; `making` has the confined child turn it into a file; `store` belongs to the daemon: it counts
what is being recorded, finishes what sessions leave behind, and lists (`rows`).

A recording makes the browser send pictures, as a viewer does, and is in no list of viewers. It does not keep its
session from idling: what nobody uses need not be recorded for ever.

Nothing of a recording lies in the clear: the spool is sealed under a key in memory alone, in a file that has no name.
So a daemon that is killed loses what was not finished yet, and leaves nothing behind.
"""
