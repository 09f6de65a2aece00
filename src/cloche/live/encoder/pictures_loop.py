"""The life of a child that encodes: a picture comes, its chunks go, and only then the next comes."""

import socket
from collections.abc import Callable

from cloche.live.encoder import wire
from cloche.live.encoder.channel import Channel
from cloche.live.encoder.pictures import Pictures
from cloche.live.encoder.warm_up import warm_up


def prepared(threads: int) -> Callable[[socket.socket], None]:
    """Load and try all that will be used; what is returned serves until the daemon closes its end."""
    warm_up(threads)
    pictures = Pictures(threads)

    def serve(sock: socket.socket) -> None:
        channel = Channel(sock)
        channel.send(wire.ready_message())
        for message in channel.messages():
            if message.kind != wire.Kind.PICTURE:
                raise wire.WireError("only pictures are taken here")
            task = wire.parse_picture(message.body)
            for chunk in pictures.encode(task):
                channel.send(chunk)
            channel.send(wire.done_message(task.seq))

    return serve
