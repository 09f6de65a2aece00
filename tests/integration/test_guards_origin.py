"""Host and Origin at both doors: a page that a visitor of this machine opens must not get in."""

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from cloche.testing.api import RunningApi, running_api

REBOUND = "evil.example:8090"
FOREIGN = "http://evil.example"


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api(allowed_origins=("https://console.example",)) as running:
        yield running


@pytest.mark.parametrize("path", ["/v1/sessions", "/healthz", "/metrics", "/openapi.json", "/docs", "/nowhere"])
async def test_a_rebound_name_reaches_nothing(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.get(path, headers={"host": REBOUND})
    assert answer.status_code == 403 and answer.json()["code"] == "denied"


async def test_a_page_of_another_origin_makes_no_session(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        for origin in (FOREIGN, "null", "http://127.0.0.1:1"):
            assert (await client.post("/v1/sessions", headers={"origin": origin})).status_code == 403
        assert not api.manager.requests
        assert (await client.post("/v1/sessions", headers={"origin": api.url})).status_code == 201


async def test_a_configured_origin_may_ask_and_read(api: RunningApi) -> None:
    headers = {"origin": "https://console.example"}
    async with api.http(api.user_key) as client:
        answer = await client.get("/v1/sessions", headers=headers)
        asked = {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}
        preflight = await client.options("/v1/sessions", headers=headers | asked)
    assert answer.headers["access-control-allow-origin"] == "https://console.example"
    assert preflight.status_code == 200
    assert {"DELETE", "PATCH"} <= set(preflight.headers["access-control-allow-methods"].split(", "))


async def test_the_devtools_door_refuses_them_too(api: RunningApi) -> None:
    session = await api.session()
    local, port = session["connect_url"], api.port
    for headers, origin in (({}, Origin(FOREIGN)), ({}, Origin("null")), ({"Host": REBOUND}, None)):
        url = local.replace(f"127.0.0.1:{port}", REBOUND) if headers else local
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, origin=origin, proxy=None, host="127.0.0.1", port=port):
                pass
        assert refused.value.response.status_code == 403
    async with connect(local, origin=Origin("https://console.example"), proxy=None) as client:
        await client.send("x")
        assert await client.recv() == "x"
