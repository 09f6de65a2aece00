"""The doors of the live view before a real daemon, encoder and browser: each kind of picture arrives, input acts."""

import asyncio
import base64
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from cloche.testing.daemon import DaemonProcess

KINDS = {"jpeg": 1, "h264": 2, "vp8": 3}
TIMEOUT_S = 60


def socket(daemon: DaemonProcess, path: str) -> connect:
    url = daemon.base_url.replace("http", "ws", 1) + path
    return connect(url, additional_headers={"X-API-Key": daemon.key}, proxy=None, max_size=None)


async def picture_of(kind: int, connection: ClientConnection) -> bytes:
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            message = await connection.recv()
            if isinstance(message, bytes) and message[0] == kind:
                return message[20:]


async def ready(daemon: DaemonProcess) -> str:
    made: dict[str, Any] = (await daemon.request("POST", "/api/sessions", {"url": "about:blank"})).json
    async with asyncio.timeout(TIMEOUT_S):
        while (await daemon.request("GET", f"/api/sessions/{made['sessionId']}")).json["status"] != "ready":
            await asyncio.sleep(0.1)
    return str(made["sessionId"])


async def test_every_kind_of_picture_arrives_and_the_older_frames_too(daemon: DaemonProcess) -> None:
    id_ = await ready(daemon)
    async with socket(daemon, f"/v1/sessions/{id_}/live/ws") as connection:
        assert json.loads(await connection.recv())["type"] == "hello"
        await connection.send('{"type": "start", "transport": "jpeg"}')
        assert (await picture_of(KINDS["jpeg"], connection)).startswith(b"\xff\xd8\xff")
        for codec in ("h264", "vp8"):
            await connection.send(json.dumps({"type": "start", "transport": "webcodecs", "codecs": [codec]}))
            assert await picture_of(KINDS[codec], connection)
    async with socket(daemon, f"/ws/sessions/{id_}") as connection, asyncio.timeout(TIMEOUT_S):
        frame = json.loads(await connection.recv())
        assert frame["type"] == "frame" and base64.b64decode(frame["data"]).startswith(b"\xff\xd8\xff")
    thumbnail = await daemon.request("GET", f"/v1/sessions/{id_}/live/thumbnail")
    assert thumbnail.status == 200 and thumbnail.body.startswith(b"\xff\xd8\xff")
    assert (await daemon.request("DELETE", f"/api/sessions/{id_}")).status == 204


async def test_a_session_that_ends_says_so_to_who_watches(daemon: DaemonProcess) -> None:
    id_ = await ready(daemon)
    async with socket(daemon, f"/v1/sessions/{id_}/live/ws") as connection:
        await connection.recv()
        await daemon.request("DELETE", f"/api/sessions/{id_}")
        async with asyncio.timeout(TIMEOUT_S):
            await connection.wait_closed()
    assert (connection.close_code, connection.close_reason) == (4410, "session_ended")
