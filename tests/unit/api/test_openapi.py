"""The API's description, as a snapshot: a change of the public surface must be seen in a diff.

To accept one: `CLOCHE_UPDATE_SNAPSHOTS=1 pytest tests/unit/api/test_openapi.py`.
"""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from cloche.api.app import build_app
from cloche.api.auth.keys import KeyStore
from cloche.api.deps import ApiDeps
from cloche.clock import SystemClock
from cloche.sessions.interface import SessionManager

SNAPSHOT = Path(__file__).parents[2] / "data" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    deps = ApiDeps(
        manager=cast(SessionManager, None),  # describing the routes calls nothing
        keys=cast(KeyStore, None),
        token_secret=b"x" * 32,
        clock=SystemClock(),
        registry=CollectorRegistry(),
    )
    return build_app(deps).openapi()


def test_the_public_surface_is_what_the_snapshot_says(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if os.environ.get("CLOCHE_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text)
    assert json.loads(SNAPSHOT.read_text()) == document


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path}"
            assert "application/problem+json" in operation["responses"]["default"]["content"], f"{method} {path}"


def test_everything_below_v1_needs_a_key(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        if path.startswith("/v1/"):
            assert all(operation.get("security") for operation in methods.values()), path
