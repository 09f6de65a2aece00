"""Both Python clients and a session's browser, over real HTTP, with a browser in memory behind it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cloche.api.rest.browsing import encode
from cloche.api.rest.browsing_examples import EXAMPLES
from cloche.browser.contract.actions import ClickRequest, ClickResponse, SetFileInputRequest, UploadFile
from cloche.browser.contract.looking import Box, ScreenshotRequest, ScreenshotResponse
from cloche.browser.contract.use_cases import USE_CASES
from cloche.client.aio import Client
from cloche.client.browser_answers import BrowserAnswer
from cloche.client.browser_calls import ActionFailedError
from cloche.client.sync import SyncClient
from cloche.errors import InvalidError, NotFoundError
from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        for case in USE_CASES:
            response = EXAMPLES[case.method].response
            assert isinstance(response, case.response)
            running.manager.session_browser.answers[case.request] = response
        yield running


def arguments_of(method: str) -> dict[str, Any]:
    """The example's request, with bytes as a caller has them."""
    request = dict(EXAMPLES[method].request)
    if "file_bytes" in request:
        request["file_bytes"] = base64.b64decode(request["file_bytes"])
    return {"selector": "", **request} if method == "set_file_input" else request


def same(told: BrowserAnswer, method: str) -> bool:
    """Whether nothing was lost on the way."""
    expected = json.loads(encode(EXAMPLES[method].response))
    return json.loads(told.model_dump_json(by_alias=True)) == expected


async def test_every_use_case_goes_there_and_back(api: RunningApi) -> None:
    session_id = await api.session_id()
    async with Client(api.url, api.user_key) as client:
        browser = client.sessions.browser(session_id)
        for case in USE_CASES:
            told = await getattr(browser, case.method)(**arguments_of(case.method))
            assert same(told, case.method), case.method
            assert isinstance(api.manager.session_browser.asked[-1][1], case.request)


async def test_the_synchronous_client_does_the_same(api: RunningApi) -> None:
    session_id = await api.session_id()

    def everything() -> None:
        with SyncClient(api.url, api.user_key) as client:
            browser = client.sessions.browser(session_id)
            for case in USE_CASES:
                assert same(getattr(browser, case.method)(**arguments_of(case.method)), case.method), case.method

    await asyncio.to_thread(everything)
    assert [type(request) for _, request in api.manager.session_browser.asked] == [case.request for case in USE_CASES]


async def test_what_fails_is_raised_or_answered(api: RunningApi) -> None:
    session_id = await api.session_id()
    api.manager.session_browser.answers[ClickRequest] = ClickResponse(success=False, error="covered", detail="by a div")
    async with Client(api.url, api.user_key) as client:
        browser = client.sessions.browser(session_id)
        with pytest.raises(ActionFailedError) as caught:
            await browser.click("#a")
        assert (caught.value.code, caught.value.detail) == ("covered", "by a div")
        told = await browser.click("#a", check=False)
        assert (told.success, told.error) == (False, "covered")
        with pytest.raises(InvalidError) as refused:
            await browser.click("#a", colour="red")
        assert refused.value.fields["field"] == "colour"
    async with Client(api.url, api.other_key) as stranger:
        with pytest.raises(NotFoundError):
            await stranger.sessions.browser(session_id).get_title()


async def test_bytes_and_boxes_arrive_as_they_were(api: RunningApi) -> None:
    session_id = await api.session_id()
    shot = ScreenshotResponse(image_bytes=bytes(range(256)), mime_type="image/png")
    api.manager.session_browser.answers[ScreenshotRequest] = shot
    async with Client(api.url, api.user_key) as client:
        browser = client.sessions.browser(session_id)
        told = await browser.screenshot(clip={"x": 1, "y": 2.5, "width": 3, "height": 4}, mask=["a", "b"])
        assert told.image_bytes == bytes(range(256))
        await browser.set_file_input("#f", files=[{"file_name": "a", "file_bytes": b"\xff\xfe"}])
    asked = [request for _, request in api.manager.session_browser.asked]
    assert asked == [
        ScreenshotRequest(clip=Box(x=1, y=2.5, width=3, height=4), mask=["a", "b"]),
        SetFileInputRequest(selector="#f", files=[UploadFile(file_name="a", file_bytes=b"\xff\xfe")]),
    ]
