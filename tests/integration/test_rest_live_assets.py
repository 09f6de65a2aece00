"""`/live/…`: the modules as a browser asks for them."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from cloche.api import problem
from cloche.api.pages.live_modules import MODULES
from cloche.api.rest import live_assets


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(live_assets.router)
    problem.install(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        yield client


async def test_a_module_is_for_pages_of_any_origin_and_of_no_other_type(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/live/cloche-live.js")
    assert answer.status_code == 200 and answer.content == MODULES.content["cloche-live.js"]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_only_what_names_this_version_is_kept_for_good(client: httpx2.AsyncClient) -> None:
    kept = await client.get(f"/live/transports/jpeg.js?v={MODULES.version}")
    assert "immutable" in kept.headers["cache-control"]
    for address in ("/live/transports/jpeg.js", "/live/transports/jpeg.js?v=old"):
        assert (await client.get(address)).headers["cache-control"] == "public, no-cache"


async def test_a_copy_that_is_still_right_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    tag = (await client.get("/live/viewer.js")).headers["etag"]
    again = await client.get("/live/viewer.js", headers={"if-none-match": f'"other", W/{tag}'})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == tag
    assert (await client.get("/live/viewer.js", headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["", "page.html", "nothing.js", "../render.py", "..%2frender.py", "%00", "transports"])
async def test_nothing_else_can_be_had(client: httpx2.AsyncClient, name: str) -> None:
    assert (await client.get(f"/live/{name}")).status_code == 404
