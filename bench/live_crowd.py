"""Viewers that decode nothing: what they cost is what sending costs."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.daemon import DaemonProcess


class Crowd:
    def __init__(self) -> None:
        self.frames = 0
        self.received_bytes = 0

    async def read(self, socket: ClientConnection) -> None:
        async for message in socket:
            if isinstance(message, str):
                continue
            self.frames += 1
            self.received_bytes += len(message)
            seq = int.from_bytes(message[8:12], "big")
            await socket.send(json.dumps({"type": "ack", "seq": seq}))


@asynccontextmanager
async def crowd(
    daemon: DaemonProcess, session_id: str, count: int, transport: str, codecs: Sequence[str]
) -> AsyncIterator[Crowd]:
    """So many viewers by this transport, watching."""
    found = Crowd()
    address = daemon.base_url.replace("http", "ws") + f"/v1/sessions/{session_id}/live/ws"
    wanted = [codec for codec in codecs if codec != "jpeg"]
    async with AsyncExitStack() as stack:
        reading: list[asyncio.Task[None]] = []
        for _ in range(count):
            headers = {"authorization": f"Bearer {daemon.key}"}
            connecting = connect(address, additional_headers=headers, max_size=None, compression=None)
            socket = await stack.enter_async_context(connecting)
            await socket.send(json.dumps({"type": "start", "transport": transport, "codecs": wanted}))
            reading.append(spawn(found.read(socket), name="crowd"))
        try:
            yield found
        finally:
            await cancel_and_wait(*reading)
