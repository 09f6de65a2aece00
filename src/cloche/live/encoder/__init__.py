"""The program of the encoder child: it decodes a session's pictures and encodes them as video, behind walls of its own.

    main ──► confinement (limits, then seccomp) ──► pictures_loop: wire ──► decode ──► frames ──► h264, vp8, jpeg
                                                └─► mux_loop:      wire ──► mux

`wire` is what it and the daemon say to each other; `encoder_process` and `mux_process`, one folder up, are the daemon's
side. `jpeg_head`, `shape`, `interval`, `filter_table` and `wire` are pure.

Nothing here may import what is outside this folder: only it, the standard library and PyAV are there inside the walls.
The daemon imports nothing of it but `wire`, so that a stranger's bytes cannot come near a decoder by mistake.
"""
