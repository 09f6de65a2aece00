"""Where the child begins: `main("pictures" | "recording", socket's descriptor, memory in bytes, …)`."""

import gc
import socket
import sys
from collections.abc import Callable, Sequence

from cloche.live.encoder import confinement

OUTPUT_BYTES = 64 << 10
"""What it may write on its standard error, which is a file of that size: by no other way is it told why a child fails.
"""


def main(words: Sequence[str]) -> None:
    """Never returns. `words`: mode, descriptor, memory_bytes, threads, nice, max_bytes of a recording."""
    mode, number, memory, threads, nice, max_bytes = words[0], *(int(word) for word in words[1:6])
    confinement.limit(memory, file_bytes=max(max_bytes, OUTPUT_BYTES), nice=nice)
    sock = socket.socket(fileno=number)
    try:
        serve = _recording(max_bytes) if mode == "recording" else _pictures(threads)
        confinement.shut(threads=threads > 1)
    except confinement.NotConfinedError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the daemon reads it from there
        sys.exit(confinement.NOT_CONFINED)
    # What is loaded now lives until the end; the collector need not look at it again.
    gc.freeze()
    serve(sock)
    sys.exit(0)


def _pictures(threads: int) -> Callable[[socket.socket], None]:
    from cloche.live.encoder.pictures_loop import prepared

    return prepared(threads)


def _recording(max_bytes: int) -> Callable[[socket.socket], None]:
    from cloche.live.encoder.recording_loop import prepared

    return prepared(max_bytes)
