"""A session whose pages download, and what its owner finds of that afterwards."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
TOLD = ("artifact.ready", "artifact.quarantined", "artifact.rejected")
GENEROUS = {"artifact_bytes": 8 << 20, "artifacts_bytes": 32 << 20, "artifacts": 128}

LINK = """(() => {
  const link = document.createElement("a");
  link.href = %s;
  if (%s !== null) link.download = %s;
  document.body.append(link);
  link.click();
})()"""


@dataclass
class Owner:
    """Whoever has a session, and is told what came out of it."""

    daemon: DaemonProcess
    web: LocalWeb
    session: Json
    seen: int = field(default=0, kw_only=True)
    """The number of the last event that was looked at."""

    async def told(self, count: int = 1, *, timeout_s: float = 5.0) -> list[Json]:
        """The next so many events about artifacts, each as its data with `type`."""
        found: list[Json] = []
        url = f"{self.daemon.base_url}/v1/sessions/{self.session['id']}/events?after={self.seen}"
        headers = {"authorization": f"Bearer {self.daemon.key}"}
        async with (
            asyncio.timeout(timeout_s),
            httpx2.AsyncClient(trust_env=False, timeout=30) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and (event := json.loads(line[6:]))["type"] in TOLD:
                    self.seen = event["id"]
                    found.append({"type": event["type"].removeprefix("artifact."), **event["data"]})
                    if len(found) == count:
                        return found
        raise AssertionError(f"the events ended: {found}")

    async def one(self, **options: Any) -> Json:
        """The artifact that the next event tells of, as its owner sees it."""
        (event,) = await self.told(**options)
        return await self.artifact(event["artifact"])

    async def artifact(self, artifact_id: str) -> Json:
        answer = await self.daemon.request("GET", f"/v1/artifacts/{artifact_id}")
        assert answer.status == 200, answer.body
        artifact: Json = answer.json
        return artifact

    async def all(self) -> list[Json]:
        path = f"/v1/artifacts?session_id={self.session['id']}&limit=200"
        found: list[Json] = (await self.daemon.request("GET", path)).json["artifacts"]
        return found

    async def content(self, artifact: Json, *, quarantined: bool = False) -> bytes:
        path = f"/v1/artifacts/{artifact['id']}/content?quarantined={str(quarantined).lower()}"
        answer = await self.daemon.request("GET", path)
        assert answer.status == 200, answer.body
        return answer.body


@dataclass
class Place(Owner):
    """One session with one page of the local web open."""

    client: CdpClient
    page: CdpPage

    async def click(self, href: str, name: str | None = None) -> None:
        """Have the page click a link; `href` is a JavaScript expression."""
        named = json.dumps(name)
        await self.page.evaluate(LINK % (href, named, named))

    async def save(self, content: str | bytes, name: str) -> None:
        """Have the page save bytes that it has made itself."""
        data = content.encode() if isinstance(content, str) else content
        await self.click(f"URL.createObjectURL(new Blob([new Uint8Array({list(data)})]))", name)

    async def act(self, use_case: str, *, method: str = "POST", **fields: Any) -> Json:
        """Call a use case of the browser service on the page, over REST."""
        path, fields = f"/v1/sessions/{self.session['id']}/{use_case}", fields | {"tab_id": self.page.target_id}
        if method == "GET":
            path, fields = f"{path}?{urlencode(fields)}", {}
        answer = await self.daemon.request(method, path, fields or None)
        assert answer.status == 200, answer.body
        response: Json = answer.json
        return response


MakePlace = Callable[..., Awaitable[Place]]


@pytest.fixture
async def make_place(shared_daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[MakePlace]:
    """`await make_place(downloads="off")`: a session as one likes it."""
    clients: list[CdpClient] = []

    async def make(*, path: str = "/page", budget: Json | None = None, **options: Any) -> Place:
        session = await shared_daemon.create_session(budget=GENEROUS | (budget or {}), **options)
        client = await CdpClient.connect(session["connect_url"])
        clients.append(client)
        page = await client.new_page(local_web.url("site.test", path))
        return Place(shared_daemon, local_web, session, client, page)

    yield make
    for client in clients:
        await client.close()
    local_web.hang_up()


@pytest.fixture
async def place(make_place: MakePlace) -> Place:
    return await make_place()
