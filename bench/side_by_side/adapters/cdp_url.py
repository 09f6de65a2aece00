"""Any provider of DevTools by URL, hosted ones too: BrowserArena's four stages over HTTP and a WebSocket.

Everything comes from the environment, credentials above all:

    BENCH_CDP_URL              where to connect to, when nothing has to be created
    BENCH_CDP_CREATE_URL       POST this to create a session; its answer names the URL to connect to
    BENCH_CDP_CREATE_BODY      JSON, default {}
    BENCH_CDP_HEADERS          JSON object, such as {"authorization": "Bearer …"}; sent with create and release
    BENCH_CDP_CONNECT_FIELD    of the answer; default: the first of the names that providers use
    BENCH_CDP_ID_FIELD         of the answer, default "id"
    BENCH_CDP_RELEASE_URL      with {id} in it; nothing is sent without
    BENCH_CDP_RELEASE_METHOD   default DELETE
    BENCH_CDP_PAGE             a page that the provider's browser can reach, default https://example.com
"""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from cloche.testing import http
from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.world import World

CONNECT_FIELDS: Final = (
    *("connect_url", "connectUrl", "cdp_ws_url", "cdp_url", "cdpUrl", "websocketUrl", "wsEndpoint"),
    *("browserWSEndpoint", "ws_url"),
)
TIMEOUT_S: Final = 60.0


class CdpUrl(Adapter):
    name = "cdp-url"
    title = "a provider by URL"
    note = "somewhere else: a network and a page of the public web are in its figures, and none of its memory is seen"
    is_remote = True

    @classmethod
    def missing(cls, world: World) -> str | None:
        named = os.environ.get("BENCH_CDP_URL") or os.environ.get("BENCH_CDP_CREATE_URL")
        return (
            None if named else "set BENCH_CDP_URL or BENCH_CDP_CREATE_URL (see bench/side_by_side/adapters/cdp_url.py)"
        )

    async def open(self) -> None:
        self._headers: dict[str, str] = json.loads(os.environ.get("BENCH_CDP_HEADERS", "{}"))

    def url(self, path: str) -> str:
        return os.environ.get("BENCH_CDP_PAGE", "https://example.com")

    async def create(self) -> Lease:
        endpoint = os.environ.get("BENCH_CDP_CREATE_URL")
        if not endpoint:
            return Lease(os.environ["BENCH_CDP_URL"])
        answer = await self._send("POST", endpoint, json.loads(os.environ.get("BENCH_CDP_CREATE_BODY", "{}")))
        field = os.environ.get("BENCH_CDP_CONNECT_FIELD")
        return Lease(connect_url(answer, field), str(answer.get(os.environ.get("BENCH_CDP_ID_FIELD", "id"), "")))

    async def release(self, lease: Lease) -> None:
        if endpoint := os.environ.get("BENCH_CDP_RELEASE_URL"):
            method = os.environ.get("BENCH_CDP_RELEASE_METHOD", "DELETE")
            await self._send(method, endpoint.replace("{id}", lease.id))

    async def _send(self, method: str, url: str, body: object = None) -> Any:
        answer = await asyncio.to_thread(http.request, method, url, body, headers=self._headers, timeout_s=TIMEOUT_S)
        if answer.status >= 300:
            # What it says may hold what was sent: only the number goes into a report.
            raise RuntimeError(f"{method} answered {answer.status}")
        return answer.json


def connect_url(answer: Mapping[str, Any], field: str | None = None) -> str:
    """The DevTools URL in what a provider answered."""
    for name in (field,) if field else CONNECT_FIELDS:
        if url := answer.get(name):
            return str(url)
    raise RuntimeError(f"no URL to connect to among {sorted(answer)}")
