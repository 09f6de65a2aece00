"""The browser service against its own description: what the OpenAPI page allows is taken, what it does not is refused,
and every answer has the form that the page says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from cloche.api.rest.browsing import OPERATIONS
from cloche.browser.contract.common import BrowserResponse
from cloche.testing.api import RunningApi, running_api

EXAMPLES: Final = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Few: what each field may be is tried in the tests of requests; this is about the page and the doors being at one."""
MAX_QUERY_CHARS: Final = 8_000
"""A request's head has 16 KiB; what is longer is refused before anyone knows what it was to be."""
CHECKS: Final = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    positive_data_acceptance,
    negative_data_rejection,
]


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
async def test_the_description_and_the_doors_are_at_one(api: RunningApi, mode: GenerationMode) -> None:
    schema = await described(api, await api.session_id())
    tried = await asyncio.to_thread(try_all, schema, mode, {"authorization": f"Bearer {api.user_key}"})
    assert len(tried) == len(OPERATIONS)
    if mode is GenerationMode.POSITIVE:
        assert {type(request) for _, request in api.manager.session_browser.asked} >= {
            each.request for each in OPERATIONS if issubclass(each.response, BrowserResponse)
        }


async def described(api: RunningApi, session_id: str) -> BaseSchema:
    """The page's part about the browser, with the session's id in its place."""
    async with api.http() as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "session_id":
                    parameter["schema"] = {"type": "string", "enum": [session_id]}
    schema: BaseSchema = schemathesis.openapi.from_dict(document).include(tag="browser")
    schema.config.update(base_url=api.url)
    return schema


def try_all(schema: BaseSchema, mode: GenerationMode, headers: dict[str, str]) -> list[str]:
    tried = []
    for result in schema.get_all_operations():
        operation = result.ok()
        try_one(operation, mode, headers)
        tried.append(operation.label)
    return tried


def has_whole_float(value: Any) -> bool:
    """Whether 3.0 is in it: to JSON Schema that is an integer, to the doors it is a number that is not one."""
    if isinstance(value, dict):
        return any(map(has_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(has_whole_float, value))
    return isinstance(value, float) and value.is_integer()


def try_one(operation: "APIOperation[Any]", mode: GenerationMode, headers: dict[str, str]) -> None:
    # That each of its actions goes with one of its fields is more than a schema of fields can say.
    is_relay = operation.path.endswith("/relay")
    checks = [check for check in CHECKS if not (is_relay and check is positive_data_acceptance)]

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def is_answered_as_described(case: Case) -> None:
        assume(not has_whole_float(case.body))
        assume(len(urlencode(case.query, doseq=True)) < MAX_QUERY_CHARS)
        case.call_and_validate(headers=headers, checks=checks)

    is_answered_as_described()
