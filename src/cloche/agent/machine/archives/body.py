"""The body of an answer that is made as it goes out: many small pieces joined, large files sent by the kernel."""

import errno
import os
import time
from typing import Final

from cloche.agent import streams
from cloche.agent.machine.exchange import PIECE_BYTES, WRITE_S, Exchange
from cloche.agent.machine.turns import ENTRY_COST, Turns

_CHUNK_BYTES: Final = 1024 * 1024
_NOT_HERE: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""sendfile(2): this file or this socket cannot; then it is read and written."""
_ZEROS: Final = bytes(64 * 1024)


class Body:
    """Of a chunked answer that has begun. `put` keeps; what is kept goes out with `settle` once it is worth it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange, self._loop, self._socket = exchange, exchange.loop, exchange.connection
        self._kept = bytearray()
        self.turns = Turns(exchange.loop)
        self.sent_bytes = 0
        """With what is kept."""

    def put(self, data: bytes) -> None:
        self._kept += data
        self.sent_bytes += len(data)

    async def settle(self) -> None:
        """To be called after each entry."""
        if len(self._kept) >= PIECE_BYTES:
            await self.flush()
        if self.turns.due(ENTRY_COST):
            await self.turns.give()

    async def write(self, data: bytes) -> None:
        """Send what is kept, and then this, without a copy if it is large."""
        if len(self._kept) + len(data) <= PIECE_BYTES:
            self.put(data)
            return
        await self.flush()
        self.sent_bytes += len(data)
        await self._exchange.write(data)

    async def flush(self) -> None:
        kept, self._kept = self._kept, bytearray()
        await self._exchange.write(kept)

    async def finish(self) -> None:
        await self.flush()
        await self._exchange.finish()

    async def send_file(self, fd: int, size: int) -> bool:
        """Send exactly so many bytes, zeros where the file ends before; return whether it was all there."""
        await self.flush()
        offset, is_whole = 0, True
        while offset < size:
            count = min(_CHUNK_BYTES, size - offset)
            await self._send(b"%x\r\n" % count)
            if is_whole:
                is_whole = await self._send_range(fd, offset, count)
            else:
                await self._send_zeros(count)
            await self._send(b"\r\n")
            offset += count
            if self.turns.due(count):
                await self.turns.give()
        self.sent_bytes += size
        return is_whole

    async def _send_range(self, fd: int, offset: int, count: int) -> bool:
        end = offset + count
        while offset < end:
            try:
                sent = os.sendfile(self._socket.fileno(), fd, offset, end - offset)
            except BlockingIOError:
                await self._loop.writable(self._socket.fileno(), time.monotonic() + WRITE_S)
                continue
            except ConnectionError:
                raise
            except OSError as error:
                sent = await self._copy(fd, offset, end - offset) if error.errno in _NOT_HERE else 0
            if sent == 0:
                await self._send_zeros(end - offset)
                return False
            offset += sent
        return True

    async def _copy(self, fd: int, offset: int, count: int) -> int:
        try:
            data = os.pread(fd, min(count, PIECE_BYTES), offset)
        except OSError:  # what cannot be read counts as not there, and is noted like it
            return 0
        await self._send(data)
        return len(data)

    async def _send_zeros(self, count: int) -> None:
        while count > 0:
            await self._send(_ZEROS[:count])
            count -= len(_ZEROS)

    async def _send(self, data: bytes) -> None:
        await streams.send_all(self._loop, self._socket, data, time.monotonic() + WRITE_S)
