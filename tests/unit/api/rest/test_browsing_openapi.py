"""The browser service's part of the description, and its page in the reference, against the table they are about."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from cloche.api.rest.browsing import OPERATIONS, Operation, encode
from cloche.api.rest.browsing_examples import EXAMPLES
from cloche.api.rest.browsing_openapi import describe
from cloche.browser.contract.common import Failure

PAGE = (Path(__file__).parents[4] / "docs/reference/browser-service.md").read_text()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    neighbour = {"security": [{"HTTPBearer": []}], "responses": {"default": {"description": "A problem"}}}
    made: dict[str, Any] = {
        "components": {"schemas": {}},
        "paths": {"/v1/sessions/{session_id}": {"get": neighbour}},
    }
    describe(made)
    return made


def test_there_is_an_example_of_every_operation_and_each_is_one() -> None:
    assert EXAMPLES.keys() == {operation.name for operation in OPERATIONS}
    for operation in OPERATIONS:
        example = EXAMPLES[operation.name]
        assert type(example.response) is operation.response, operation.name
        TypeAdapter(operation.response).validate_json(encode(example.response))
        assert TypeAdapter(operation.request).validate_python(example.request, strict=False), operation.name


def test_fields_are_described_by_what_stands_below_them_in_the_source(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    click = components["ClickRequest"]["properties"]
    assert click["delay_ms"]["description"] == "Between pressing and releasing."
    assert click["tab_id"]["description"] == "Empty: the active tab."
    assert components["Cookie"]["description"] == "As in Playwright's storage state."
    assert "description" not in click["button"]


def test_bytes_are_base64_and_nothing_is_named_twice(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]
    assert components["ScreenshotResponse"]["properties"]["image_bytes"]["contentEncoding"] == "base64"
    assert components["UploadFile"]["properties"]["file_bytes"]["contentEncoding"] == "base64"
    assert components["GetTitleResponse"]["properties"]["title"] == {"default": "", "type": "string"}
    assert not [name for name in components if "__" in name or "-" in name]


def test_a_box_in_a_query_is_four_numbers(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/sessions/{session_id}/screenshot"]["get"]["parameters"]
    names = [parameter["name"] for parameter in parameters]
    assert [name for name in names if name.startswith("clip")] == ["clip_x", "clip_y", "clip_width", "clip_height"]
    assert all(parameter["in"] == "query" for parameter in parameters[1:])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_reference_names_every_route_and_field(operation: Operation) -> None:
    words = set(re.findall(r"`([a-zA-Z0-9_]+)`", PAGE))
    assert f"`{operation.verb} …{operation.path}`" in PAGE
    for kind in (operation.request, operation.response):
        names = {field.name for field in dataclasses.fields(kind)}
        # Of the bundle each part says by itself that it was cut.
        missing = {name for name in names - words if not (name.endswith("_truncated") and "inspect" in operation.name)}
        assert not {name for name in missing if not name.startswith("clip")}, kind


def test_the_reference_tells_what_every_failure_means() -> None:
    table = PAGE.partition("## Failures")[2].partition("## Selectors")[0]
    told = {code for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    assert told - {"error"} == {failure.value for failure in Failure}
