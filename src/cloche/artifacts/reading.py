"""A blob's bytes as a body: a chunk at a time, each read and decrypted in a thread."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

import structlog

from cloche.artifacts.blobs import BlobReader
from cloche.artifacts.model import Artifact
from cloche.concurrency.threads import in_thread
from cloche.errors import ConflictError, RangeError
from cloche.vault.sealed import SealError

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def reading(
    artifact: Artifact, opener: Callable[[], BlobReader], start: int, length: int | None
) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    """Yield how many bytes come, and them. The first are decrypted before anything is yielded.

    Raises: RangeError; ConflictError (`artifact_damaged`), also while the body is read.
    """
    size = artifact.size_bytes
    if start < 0 or start > size or (start == size and size > 0):
        raise RangeError("the range begins beyond the end of the file", size=size)
    count = size - start if length is None else max(0, min(length, size - start))
    try:
        reader = await in_thread(opener)
    except (OSError, SealError) as error:
        raise _damaged(artifact, error) from None
    try:
        if reader.size_bytes != size:
            raise _damaged(artifact, SealError("another size than its row says"))
        pieces = reader.pieces(start, count)
        first = await _next(artifact, pieces)
        async with aclosing(_body(artifact, first, pieces)) as body:
            yield count, body
    finally:
        await in_thread(reader.close)


async def whole(artifact: Artifact, reader: BlobReader) -> AsyncGenerator[bytes, None]:
    pieces = reader.pieces(0, reader.size_bytes)
    while piece := await _next(artifact, pieces):
        yield piece


async def _body(artifact: Artifact, first: bytes, pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    piece = first
    while piece:
        yield piece
        piece = await _next(artifact, pieces)


async def _next(artifact: Artifact, pieces: Iterator[bytes]) -> bytes:
    """Empty at the end. The thread is waited for: it reads from a descriptor that is closed after it."""
    try:
        return await in_thread(next, pieces, b"")
    except (OSError, SealError) as error:
        raise _damaged(artifact, error) from None


def _damaged(artifact: Artifact, error: Exception) -> ConflictError:
    _log.error("artifact_damaged", artifact=artifact.id, error=str(error))
    return ConflictError("the stored file is damaged: it cannot be read", reason="artifact_damaged")
