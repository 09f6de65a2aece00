"""What operators ask."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_health_needs_no_key(api: RunningApi) -> None:
    async with api.http() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_readiness_tells_what_stands_in_the_way(api: RunningApi) -> None:
    async with api.http() as client:
        ready = await client.get("/readyz")
        api.manager.not_ready = {"sandbox": "bubblewrap is missing"}
        not_ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": {}})
    assert not_ready.status_code == 503 and not_ready.headers["retry-after"]
    assert not_ready.json() == {"ready": False, "reasons": {"sandbox": "bubblewrap is missing"}}


async def test_metrics_count_requests_by_route_and_never_by_path(api: RunningApi) -> None:
    session = await api.session()
    async with api.http(api.user_key) as client:
        await client.get(f"/v1/sessions/{session['id']}")
        await client.get("/nowhere/at/all")
        text = (await client.get("/metrics")).text
    assert session["id"] not in text and "nowhere" not in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    counted = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["cloche_http_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted["POST", "/v1/sessions", "201"] == 1
    assert counted["GET", "/v1/sessions/{session_id}", "200"] == 1
    assert counted["GET", "none", "404"] == 1


async def test_metrics_beyond_loopback_need_an_admins_key() -> None:
    async with running_api(bind_is_loopback=False) as api:
        for key, status in ((None, 401), (api.user_key, 403), (api.admin_key, 200)):
            async with api.http(key) as client:
                assert (await client.get("/metrics")).status_code == status


async def test_the_description_and_its_page_are_served(api: RunningApi) -> None:
    async with api.http() as client:
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "Cloche"
        page = await client.get("/docs")
    assert page.status_code == 200 and "/v1/sessions/{session_id}/extend" in page.text
