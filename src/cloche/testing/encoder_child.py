"""A real encoder child for tests, and what it told."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cloche.live.encoder_child import EncoderSettings
from cloche.live.encoder_process import EncoderProcess, EncoderStarter
from cloche.live.encoding import EncoderEvents
from cloche.live.model import Chunk, Codec, Demand, Picture
from cloche.process.pidfd import ProcessHandle

SETTINGS: Final = EncoderSettings(start_timeout_s=30, picture_timeout_s=30)
PATIENCE_S: Final = 30.0
RATE: Final = 600_000
NO_KEYS: Final[frozenset[Codec]] = frozenset()


class Session:
    """An encoder and what it told."""

    def __init__(self) -> None:
        self.encoder: EncoderProcess
        self.chunks: list[Chunk] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._done: dict[int, asyncio.Future[None]] = {}
        self._seq = 0

    def events(self) -> EncoderEvents:
        return EncoderEvents(
            self.chunks.append, lambda seq: self._done[seq].set_result(None), lambda why: self.ended.set_result(why)
        )

    def hand_over(
        self, jpeg: bytes, demands: Mapping[Codec, Demand], keys: frozenset[Codec] = NO_KEYS
    ) -> asyncio.Future[None]:
        self._seq += 1
        done = self._done[self._seq] = asyncio.get_running_loop().create_future()
        self.encoder.encode(Picture(self._seq, jpeg, 1_800_000_000_000 + 40 * self._seq, 320, 240), demands, keys)
        return done

    async def encode(
        self, jpeg: bytes, demands: Mapping[Codec, Demand], keys: frozenset[Codec] = NO_KEYS
    ) -> Sequence[Chunk]:
        before = len(self.chunks)
        async with asyncio.timeout(PATIENCE_S):
            await self.hand_over(jpeg, demands, keys)
        return self.chunks[before:]

    async def why(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return await self.ended


@asynccontextmanager
async def encoding(settings: EncoderSettings = SETTINGS) -> AsyncIterator[Session]:
    session = Session()
    session.encoder = await EncoderStarter(settings)(session.events())
    inner = inner_pid(session.encoder.pid)
    try:
        yield session
    finally:
        await session.encoder.close()
        await gone(inner)


async def gone(pid: int) -> None:
    """It has a network namespace of its own, in which the check for what a test leaves behind does not look."""
    if handle := await asyncio.to_thread(ProcessHandle.open_pid, pid):
        try:
            assert await handle.wait(PATIENCE_S), "the encoder child lives on"
        finally:
            handle.close()


def demand(*codecs: Codec) -> dict[Codec, Demand]:
    return {codec: Demand(RATE, quality=60, scale=0.5) for codec in codecs}


def inner_pid(pid: int) -> int:
    """The child inside the walls: bubblewrap's own first process in there has it for its child."""
    for _ in range(2):
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pid = int(child)
    return pid
