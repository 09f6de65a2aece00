"""Recordings by the doors of a real daemon: on request, always, and after its session has ended."""

import asyncio
import io

import av
import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb


def play(data: bytes) -> tuple[float, list[str], int]:
    """Seconds, chapters, frames."""
    with av.open(io.BytesIO(data), mode="r") as container:
        titles = [one["metadata"]["title"] for one in container.chapters()]
        return (container.duration or 0) / 1e6, titles, len(list(container.decode(video=0)))


@pytest.mark.parametrize("policy", ["on_request", "always"])
async def test_a_session_is_recorded_and_the_file_can_be_fetched(
    daemon: DaemonProcess, local_web: LocalWeb, policy: str
) -> None:
    made = await daemon.create_session(live={"record": policy})
    session = f"/v1/sessions/{made['id']}"
    if policy == "on_request":
        assert (await daemon.request("POST", f"{session}/recordings", {"format": "mp4"})).status == 201
    assert (await daemon.request("POST", f"{session}/recordings", {})).json["reason"] == "already_recording"
    moved = await daemon.request("POST", f"{session}/navigate", {"url": "http://site.test/form.html"})
    assert moved.json["success"], moved.json
    await asyncio.sleep(1)  # something to see
    if policy == "on_request":
        info = (await daemon.request("POST", f"{session}/recordings/stop", {})).json
        assert info["status"] == "ready", info
        artifact = info["artifact_id"]
    else:
        assert (await daemon.request("DELETE", session)).status == 200
        listed = (await daemon.request("GET", f"/v1/artifacts?session_id={made['id']}&kind=recording")).json
        artifact = listed["artifacts"][0]["id"]
    content = await daemon.request("GET", f"/v1/artifacts/{artifact}/content")
    seconds, titles, frames = await asyncio.to_thread(play, content.body)
    assert seconds > 0.5
    assert titles[-1] == "navigate site.test"
    assert frames >= 2
    kinds = [one["kind"] for one in (await daemon.request("GET", f"/v1/audit?session_id={made['id']}")).json["events"]]
    assert {"recording.started", "recording.finished"} <= set(kinds)
