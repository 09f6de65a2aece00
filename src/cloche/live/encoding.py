"""What turns pictures into video, as the stream of a session sees it. `encoder_process` is the real thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cloche.live.model import Chunk, Codec, Demand, Picture


@dataclass(frozen=True, slots=True)
class EncoderEvents:
    """Called on the loop, never from within `encode`; none may block or raise."""

    on_chunk: Callable[[Chunk], None]
    """One for each codec that was asked for, in order; none where the picture could not be decoded."""
    on_done: Callable[[int], None]
    """Picture `seq` has been dealt with, well or not: the next may come."""
    on_end: Callable[[str], None]
    """The child is no more, and why; what it had in hand is lost. Once, and not after `close`."""


class Encoder(Protocol):
    """One child, made by `start`. It decodes what a stranger sent, so it may do nothing else: it is killed when it
    takes too long, grows too large or says what it should not."""

    def encode(self, picture: Picture, demands: Mapping[Codec, Demand], keys: frozenset[Codec]) -> None:
        """Hand a picture over; not before `on_done` of the one before. `keys`: of which a key frame is due. A codec
        that is new in `demands`, or of another size, begins with one by itself."""
        ...

    async def close(self) -> None:
        """End the child and wait until it is gone. Any number of times."""
        ...


class StartEncoder(Protocol):
    async def __call__(self, events: EncoderEvents) -> Encoder:
        """Start a child and wait until it is ready. Raises: StartError."""
        ...
