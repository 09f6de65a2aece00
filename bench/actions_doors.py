"""The same actions through Playwright, REST and gRPC, on pages of one and the same browser."""

import json
from abc import ABC, abstractmethod
from typing import Any, Protocol

import grpc
import httpx2
from playwright.async_api import Page

from cloche.api.grpc.generated import browser_pb2

MESSAGE_BYTES = 64 << 20
NO_MARGINS = {"margin_top": 0.0, "margin_bottom": 0.0, "margin_left": 0.0, "margin_right": 0.0}
"""As Playwright prints by itself; Chromium leaves margins, which makes more pages."""


class Door(Protocol):
    name: str

    async def goto(self, url: str) -> None: ...

    async def click(self, selector: str) -> None: ...

    async def type(self, selector: str, text: str) -> None: ...

    async def screenshot(self) -> int:
        """Returns the picture's bytes."""
        ...

    async def pdf(self) -> int: ...

    async def snapshot(self, max_bytes: int = 0) -> str: ...


class PlaywrightDoor:
    name = "playwright"

    def __init__(self, page: Page) -> None:
        self._page = page

    async def goto(self, url: str) -> None:
        await self._page.goto(url)

    async def click(self, selector: str) -> None:
        await self._page.click(selector)

    async def type(self, selector: str, text: str) -> None:
        await self._page.type(selector, text)

    async def screenshot(self) -> int:
        return len(await self._page.screenshot())

    async def pdf(self) -> int:
        return len(await self._page.pdf())

    async def snapshot(self, max_bytes: int = 0) -> str:
        return await self._page.locator("body").aria_snapshot()


class _Service(ABC):
    """What both of Cloche's doors have in common: each call names the tab."""

    name = ""

    def __init__(self, tab_id: str) -> None:
        self._tab_id = tab_id

    @abstractmethod
    async def call(self, rpc: str, **fields: Any) -> Any:
        """What the door answered to the RPC; an answer that tells of a failure is raised."""

    async def goto(self, url: str) -> None:
        await self.call("Navigate", url=url)

    async def click(self, selector: str) -> None:
        await self.call("Click", selector=selector)

    async def type(self, selector: str, text: str) -> None:
        await self.call("Type", selector=selector, text=text)


class RestDoor(_Service):
    name = "REST"

    def __init__(self, client: httpx2.AsyncClient, session_id: str, tab_id: str) -> None:
        super().__init__(tab_id)
        self._client = client
        self._base = f"/v1/sessions/{session_id}"

    async def call(self, rpc: str, **fields: Any) -> Any:
        answer = await self._client.post(f"{self._base}/{rpc.lower()}", json={"tab_id": self._tab_id, **fields})
        return _checked(rpc, answer.json())

    async def _get(self, path: str, **fields: Any) -> httpx2.Response:
        answer = await self._client.get(f"{self._base}{path}", params={"tab_id": self._tab_id, **fields})
        answer.raise_for_status()
        return answer

    async def screenshot(self) -> int:
        answer = await self._client.get(
            f"{self._base}/screenshot", params={"tab_id": self._tab_id}, headers={"accept": "image/png"}
        )
        assert answer.headers["content-type"] == "image/png", answer.text
        return len(answer.content)

    async def pdf(self) -> int:
        answer = await self._client.get(
            f"{self._base}/pdf", params={"tab_id": self._tab_id, **NO_MARGINS}, headers={"accept": "application/pdf"}
        )
        assert answer.headers["content-type"] == "application/pdf", answer.text
        return len(answer.content)

    async def snapshot(self, max_bytes: int = 0) -> str:
        answer = _checked("Observe", (await self._get("/observe", max_bytes=max_bytes)).json())
        return str(answer["accessibility_tree"])


class GrpcDoor(_Service):
    name = "gRPC"

    def __init__(self, channel: grpc.aio.Channel, key: str, session_id: str, tab_id: str) -> None:
        super().__init__(tab_id)
        self._channel = channel
        self._methods: dict[str, Any] = {}
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._session = browser_pb2.CanonicalId(ulid=session_id)

    async def call(self, rpc: str, **fields: Any) -> Any:
        request = getattr(browser_pb2, f"{rpc}Request")(session_id=self._session, tab_id=self._tab_id, **fields)
        if rpc not in self._methods:
            self._methods[rpc] = self._channel.unary_unary(
                f"/cloche.browser.v1.BrowserService/{rpc}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=getattr(browser_pb2, f"{rpc}Response").FromString,
            )
        answer = await self._methods[rpc](request, metadata=self._metadata)
        if not answer.success:
            raise RuntimeError(f"{rpc}: {answer.error} {answer.detail}")
        return answer

    async def screenshot(self) -> int:
        return len((await self.call("Screenshot")).image_bytes)

    async def pdf(self) -> int:
        return len((await self.call("ExportPdf", **NO_MARGINS)).pdf_bytes)

    async def snapshot(self, max_bytes: int = 0) -> str:
        return str((await self.call("Observe", max_bytes=max_bytes)).accessibility_tree)


def open_channel(address: str) -> grpc.aio.Channel:
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    return grpc.aio.insecure_channel(address, options=options)


def _checked(rpc: str, answer: Any) -> Any:
    if not answer.get("success"):
        raise RuntimeError(f"{rpc}: {json.dumps(answer)[:300]}")
    return answer
