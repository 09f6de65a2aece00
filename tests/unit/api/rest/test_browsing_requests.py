"""The requests of the browser service as they come over HTTP."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from cloche.api.rest.browsing_requests import Reader, query_names
from cloche.browser.contract.actions import ClickRequest
from cloche.browser.contract.looking import Box, ScreenshotRequest

READERS = {"GET": Reader(ScreenshotRequest, takes_body=False), "POST": Reader(ClickRequest, takes_body=True)}


async def read(verb: str, *, query: str = "", body: bytes = b"") -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": verb, "path": "/x", "query_string": query.encode(), "headers": []}
    return await READERS[verb].read(Request(scope, receive))


def test_the_names_of_a_query_are_the_fields_and_a_box_is_its_sides() -> None:
    names = query_names(ScreenshotRequest)
    assert names["mask"] == ("", True)
    assert names["quality"] == ("", False)
    assert names["clip_width"] == ("clip", False)
    assert "clip" not in names and "__pydantic_config__" not in names


async def test_what_a_query_says_is_what_is_asked() -> None:
    asked = await read("GET", query="full_page=true&scale=0.5&mask=a&mask=b&clip_y=3")
    assert asked == ScreenshotRequest(full_page=True, scale=0.5, mask=["a", "b"], clip=Box(y=3.0))
    assert await read("GET") == ScreenshotRequest()
    assert await read("POST") == ClickRequest()


@pytest.mark.parametrize("query", ["a=1", "quality=1&quality=1", "clip_x=nan", "quality=1.5", "__pydantic_config__=1"])
async def test_what_a_query_may_not_say_is_refused(query: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        await read("GET", query=query)
    assert caught.value.errors()[0]["loc"][0] == "query"


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([*query_names(ScreenshotRequest), "other"]), st.text(max_size=20) | st.floats().map(str)
    )
)
async def test_any_query_is_a_request_or_is_refused(values: dict[str, str]) -> None:
    try:
        asked = await read("GET", query=urlencode(values))
    except RequestValidationError:
        return
    assert isinstance(asked, ScreenshotRequest)
    assert 0 <= asked.quality <= 100 and 0.0 <= asked.scale <= 8.0


NAMES = st.sampled_from(["selector", "clip", "force", "button", "x"])
PLAIN = st.none() | st.booleans() | st.floats() | st.text(max_size=20)
BODIES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=10)


@settings(max_examples=50)
@given(BODIES)
async def test_any_body_is_a_request_or_is_refused(body: Any) -> None:
    try:
        asked = await read("POST", body=json.dumps(body).encode())
    except RequestValidationError:
        return
    assert isinstance(asked, ClickRequest)
    assert asked.button in ("", "left", "middle", "right", "back", "forward")
