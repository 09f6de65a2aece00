"""Downloads while other clients are connected, the browser ends, and somebody inside wishes us ill."""

import base64
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from cloche.testing.cdp import CdpClient, within
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import MakePlace, Place

Json = dict[str, Any]
SPOOL: Final = "/data/downloads"
HELLO: Final = b"x" * 40


async def test_it_holds_for_contexts_that_clients_make(place: Place, local_web: LocalWeb) -> None:
    context = (await place.client.send("Target.createBrowserContext"))["browserContextId"]
    wanted = {"url": "about:blank", "browserContextId": context}
    page = await place.client.attach((await place.client.send("Target.createTarget", wanted))["targetId"])
    await page.send("Page.enable")
    await page.goto(local_web.url("site.test", "/page"))
    inside = Place(place.daemon, local_web, place.session, place.client, page)
    await inside.click("'/download/other.txt?size=40'")
    assert await inside.content(await inside.one()) == HELLO


async def test_a_client_that_has_files_put_elsewhere_keeps_them_and_they_come_out(make_place: MakePlace) -> None:
    place = await make_place(machine=True)
    folder = "/data/workspace/mine"
    await place.client.send("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder})
    await place.click("'/download/report.txt?size=40'")
    assert await place.content(await place.one()) == HELLO
    path = f"/v1/sessions/{place.session['id']}/fs/read_file?path=mine/report.txt"
    assert (await place.daemon.request("GET", path)).body == HELLO


async def test_after_a_client_that_refused_downloads_they_come_out_again(make_place: MakePlace) -> None:
    place = await make_place()
    async with await CdpClient.connect(place.session["connect_url"]) as other:
        await other.send("Browser.setDownloadBehavior", {"behavior": "deny"})
        await place.save("x", "refused.txt")
        assert (await place.told())[0]["reasons"] == "canceled"
    for number in range(20):  # ours is set again a moment after the other's end
        await place.save("x", f"{number}.txt")
        if (await place.told())[0]["type"] == "ready":
            return
    raise AssertionError("downloads are refused for good")


async def test_after_a_restart_of_the_browser_downloads_are_caught_as_before(
    make_place: MakePlace, browser_pid: Callable[[DaemonProcess, Json], Awaitable[int]], local_web: LocalWeb
) -> None:
    place = await make_place()
    begun = place.page.expect("Page.downloadProgress", lambda told: told["receivedBytes"] > 0)
    await place.click("'/slow?chunks=100000&interval_ms=1'", "unfinished.txt")
    await within(begun)
    os.kill(await browser_pid(place.daemon, place.session), signal.SIGKILL)
    rejected = (await place.told())[0]
    assert (rejected["type"], rejected["reasons"]) == ("rejected", "browser_ended")
    async with await CdpClient.connect(place.session["connect_url"]) as client:
        page = await client.new_page(local_web.url("site.test", "/page"))
        again = Place(place.daemon, local_web, place.session, client, page, seen=place.seen)
        await again.click("'/download/report.txt?size=40'")
        assert await again.content(await again.one()) == HELLO


@pytest.mark.parametrize(
    "plant", ["ln -s /etc/passwd $F", "mkfifo $F", "mkdir $F", "ln -s /data/profile/Local\\ State $F"]
)
async def test_what_is_put_in_a_downloads_place_is_not_read(make_place: MakePlace, plant: str) -> None:
    # Whoever has broken into the browser can put anything there: so can a program of the session's own uid.
    place = await make_place(machine=True)
    swap = f"[ -f $F ] && [ $F = ${{F%.crdownload}} ] && rm -f $F && {plant}"
    swap = f"while :; do for F in {SPOOL}/*-*; do {swap}; done; done"
    started = await place.daemon.request(
        "POST", f"/v1/sessions/{place.session['id']}/process/spawn", {"command": "sh", "args": ["-c", swap]}
    )
    assert started.status < 300, started.body
    for number in range(20):
        await place.save(f"content {number}", f"{number}.txt")
        (event,) = await place.told()
        if "artifact" not in event:
            assert event["reasons"] == "canceled", event  # Chromium itself found it swapped
            continue
        artifact = await place.artifact(event["artifact"])
        if artifact["state"] == "rejected":
            assert artifact["reasons"] == ["not_readable"]
            return
        assert await place.content(artifact) == f"content {number}".encode()
    raise AssertionError("the race was never won")


async def test_a_print_is_kept_and_named_in_the_answer(place: Place) -> None:
    answer = await place.act("pdf", method="GET")
    artifact = await place.artifact(answer["artifact_id"])
    assert (artifact["kind"], artifact["state"], artifact["media_type"]) == ("pdf", "ready", "application/pdf")
    assert artifact["file_name"] == "page of site.test.pdf"
    assert await place.content(artifact) == base64.b64decode(answer["pdf_bytes"])


async def test_a_print_is_answered_also_when_there_is_no_room_to_keep_it(make_place: MakePlace) -> None:
    place = await make_place(budget={"artifacts_bytes": 100, "artifact_bytes": 100})
    answer = await place.act("pdf", method="GET")
    assert (answer["success"], answer["artifact_id"]) == (True, "") and answer["pdf_bytes"]
    assert await place.all() == []


async def test_the_picture_of_a_failure_is_kept(place: Place) -> None:
    answer = await place.act("click", selector="#none", timeout_ms=200, capture_failure_screenshot=True)
    artifact = await place.one()
    assert (artifact["kind"], artifact["file_name"]) == ("screenshot", "click-failed.png")
    assert await place.content(artifact) == base64.b64decode(answer["failure_screenshot_bytes"])


async def test_a_private_sessions_files_are_told_without_their_names_and_its_prints_are_not_kept(
    make_place: MakePlace,
) -> None:
    place = await make_place(private=True)
    assert (await place.act("pdf", method="GET"))["artifact_id"] == ""
    await place.save("x", "secret-name.txt")
    (told,) = await place.told()
    assert told["type"] == "ready" and "secret" not in repr(told)
    assert [artifact["file_name"] for artifact in await place.all()] == ["secret-name.txt"]


async def test_an_action_names_what_its_download_has_become(place: Place) -> None:
    await place.act("navigate", url=place.web.url("site.test", "/pages/download.html"))
    (download,) = (await place.act("click", selector="#attachment"))["effects"]["downloads"]
    artifact = await place.one()
    # Named where it was there within a quarter of a second, which a slow machine may miss.
    assert download["guid"] and download["artifact_id"] in ("", artifact["id"])
    assert (artifact["file_name"], artifact["size_bytes"]) == ("report.pdf", 2048)


async def test_a_file_that_came_out_goes_into_another_page(place: Place) -> None:
    await place.save("round trip", "trip.txt")
    artifact = await place.one()
    await place.page.evaluate("document.body.innerHTML = '<input type=file id=file>'")
    answer = await place.act("upload", selector="#file", artifact_id=artifact["id"])
    assert (answer["success"], answer["uploaded_file_name"]) == (True, "trip.txt"), answer
    assert await place.page.evaluate("document.querySelector('#file').files[0].text()") == "round trip"


async def test_what_is_in_quarantine_or_too_large_or_unknown_goes_into_no_page(make_place: MakePlace) -> None:
    place = await make_place(budget={"upload_bytes": 10})
    await place.page.evaluate("document.body.innerHTML = '<input type=file id=file>'")
    await place.save("x", "program.exe")
    quarantined = await place.one()
    await place.save("more than ten bytes", "large.txt")
    large = await place.one()
    path = f"/v1/sessions/{place.session['id']}/upload"
    of_page = {"selector": "#file", "tab_id": place.page.target_id}
    refused = await place.daemon.request("POST", path, {"artifact_id": quarantined["id"], **of_page})
    assert (refused.status, refused.json["reason"]) == (409, "artifact_not_ready")
    answer = await place.act("upload", selector="#file", artifact_id=large["id"])
    assert (answer["success"], answer["error"]) == (False, "input_too_large")
    unknown = await place.daemon.request("POST", path, {"artifact_id": "art_none", **of_page})
    assert unknown.status == 404
