"""A client made afresh from the proto, with nothing but the stock tools, against the served door."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.browser.contract.actions import ClickRequest, ClickResponse, Effects
from cloche.browser.contract.common import Failure
from cloche.browser.contract.pages import NavigateRequest, NavigateResponse
from cloche.testing.grpc import core_is_awake, running_grpc

PROTO = Path(__file__).parents[2] / "proto/cloche/browser/v1/browser.proto"

# What somebody writes who has the proto and no line of ours.
CLIENT = """
import json, sys
import grpc
import browser_pb2 as pb, browser_pb2_grpc

address, key = sys.argv[1:]
metadata = [("authorization", f"Bearer {key}")]
with grpc.insecure_channel(address) as channel:
    service = browser_pb2_grpc.BrowserServiceStub(channel)
    health = service.Health(pb.HealthRequest(v=1), metadata=metadata, timeout=10)
    made = service.CreateSession(pb.CreateSessionRequest(v=1, channel="test"), metadata=metadata, timeout=10)
    gone = service.Navigate(
        pb.NavigateRequest(v=1, session_id=made.session_id, url="https://a.test/", timeout_ms=5000),
        metadata=metadata, timeout=10,
    )
    clicked = service.Click(
        pb.ClickRequest(v=1, session_id=made.session_id, selector="text=Save", click_count=2),
        metadata=metadata, timeout=10,
    )
    try:
        service.GetTitle(pb.GetTitleRequest(session_id=made.session_id), timeout=10)
    except grpc.RpcError as error:
        refused = [error.code().name, dict(error.trailing_metadata())["cloche-code"]]
print(json.dumps({
    "health": health.status,
    "session": made.session_id.ulid,
    "navigated": [gone.success, gone.final_url, gone.status_code, gone.timing.load_ms],
    "clicked": [clicked.success, clicked.error, clicked.detail, list(clicked.effects.new_tab_ids)],
    "refused": refused,
}))
"""


@pytest.fixture(scope="module", autouse=True)
def _core() -> Iterator[None]:
    with core_is_awake():
        yield


def run(*words: str | Path, cwd: Path) -> str:
    """Run Python in `cwd`, where nothing of ours is to be found, and return what it prints."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-P", *words], cwd=cwd, env={**keep, "PYTHONPATH": str(cwd)}, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


async def test_stubs_made_with_the_stock_tools_drive_a_session(tmp_path: Path) -> None:
    options = [f"--proto_path={PROTO.parent}", "--python_out=.", "--grpc_python_out=."]
    await asyncio.to_thread(run, "-m", "grpc_tools.protoc", *options, PROTO.name, cwd=tmp_path)
    async with running_grpc() as door:
        answers = door.api.manager.session_browser.answers
        answers[NavigateRequest] = NavigateResponse(final_url="https://a.test/", status_code=200)
        effects = Effects(new_tab_ids=["t2"])
        answers[ClickRequest] = ClickResponse(success=False, error=Failure.COVERED, detail="it is", effects=effects)
        printed = await asyncio.to_thread(run, "-c", CLIENT, door.address, door.api.user_key, cwd=tmp_path)
        asked = [request for _, request in door.api.manager.session_browser.asked]
    told = json.loads(printed)
    assert told.pop("session") and told == {
        "health": "ok",
        "navigated": [True, "https://a.test/", 200, -1],
        "clicked": [False, "covered", "it is", ["t2"]],
        "refused": ["UNAUTHENTICATED", "unauthenticated"],
    }
    assert asked == [
        NavigateRequest(url="https://a.test/", timeout_ms=5000),
        ClickRequest(selector="text=Save", click_count=2, timeout_ms=getattr(asked[1], "timeout_ms")),  # noqa: B009
    ]
