"""From a body to a finished part file, in one pass: the next batch is gathered while a thread seals the last."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from cloche.artifacts.accounts import Reservation
from cloche.artifacts.blobs import BlobWriter, Sample
from cloche.concurrency.threads import in_thread

BATCH_BYTES: Final = 1 << 20
"""What goes to the thread at once: so much that its way there and back weighs nothing."""


async def take_in(body: AsyncIterator[bytes], writer: BlobWriter, reservation: Reservation) -> Sample:
    """Read `body` to its end, or to where it does not fit any more. The deadlines are the body's own.

    Raises: NoRoomError when it does not fit; DiskError; what the body raises. The caller discards the writer then.
    """
    loop = asyncio.get_running_loop()
    writing: asyncio.Future[None] | None = None
    try:
        async for batch in _batches(body, reservation):
            if writing is not None:
                await writing
            writing = loop.run_in_executor(None, writer.append, batch)
        if writing is not None:
            await writing
        return await in_thread(writer.finish)
    finally:
        if writing is not None:
            # After an error or a cancellation nobody else asks how it went; `discard` waits for the thread.
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _batches(body: AsyncIterator[bytes], reservation: Reservation) -> AsyncIterator[list[bytes]]:
    batch, size = list[bytes](), 0
    async for piece in body:
        reservation.grow(len(piece))
        batch.append(piece)
        size += len(piece)
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
