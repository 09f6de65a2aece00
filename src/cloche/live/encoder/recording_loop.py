"""The life of a child that records: what the file is to be, its frames, then the file itself in pieces."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace

from cloche.live.encoder import wire
from cloche.live.encoder.channel import Channel
from cloche.live.encoder.mux import Muxer


def prepared(max_bytes: int) -> Callable[[socket.socket], None]:
    """Load and try all that will be used; what is returned serves one recording."""
    warm_up()
    muxer = Muxer(os.memfd_create("recording", os.MFD_CLOEXEC))

    def serve(sock: socket.socket) -> None:
        channel = Channel(sock)
        channel.send(wire.ready_message())
        for message in channel.messages():
            match message.kind:
                case wire.Kind.OPEN:
                    opening = wire.parse_open(message)
                    muxer.open(replace(opening, max_bytes=min(opening.max_bytes, max_bytes)))
                case wire.Kind.SAMPLE:
                    pts_ms, is_key, data = wire.parse_sample(message)
                    is_full = not muxer.add(pts_ms, data, is_key=is_key)
                    channel.send(wire.taken_message(muxer.size_bytes, is_full=is_full))
                case wire.Kind.FINISH:
                    muxer.finish(*wire.parse_finish(message))
                    for piece in muxer.pieces():
                        channel.send(wire.piece_head(len(piece)))
                        channel.send(piece)
                    channel.send(wire.end_message())
                case _:
                    raise wire.WireError("only recordings are taken here")

    return serve


def warm_up() -> None:
    """A file of one frame, so that all is loaded before the doors close. No muxer looks into a frame of VP8."""
    descriptor = os.memfd_create("warm-up", os.MFD_CLOEXEC)
    muxer = Muxer(descriptor)
    muxer.open(wire.Opening(wire.ContainerId.WEBM, wire.CodecId.VP8, 16, 16, max_bytes=1 << 20))
    muxer.add(0, bytes(16), is_key=True)
    muxer.finish(40, [(0, "begin")])
    os.close(descriptor)
