"""Whatever way a page downloads in, the file comes out of the sandbox as an artifact."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import MakePlace, Place

Json = dict[str, Any]
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f00050001ff"
    "56c72f0d0000000049454e44ae426082"
)


async def test_an_attachment_comes_out_whole_with_where_it_came_from(place: Place) -> None:
    await place.click("'/download/report.txt?size=3000&type=text/plain&token=abcdefgh12345678'")
    artifact = await place.one()
    assert (artifact["state"], artifact["kind"], artifact["file_name"]) == ("ready", "download", "report.txt")
    assert (artifact["size_bytes"], artifact["media_type"]) == (3000, "text/plain")
    assert artifact["sha256"] == hashlib.sha256(b"x" * 3000).hexdigest()
    assert await place.content(artifact) == b"x" * 3000
    assert artifact["source_url"].startswith(place.web.url("site.test", "/download/report.txt"))
    assert "abcdefgh12345678" not in artifact["source_url"]
    assert artifact["referrer"] == place.web.url("site.test", "/page")
    asked = place.web.requests(path="/download/report.txt")
    assert len(asked) == 1, "it was fetched a second time"


async def test_a_file_that_the_server_calls_something_else_goes_to_quarantine(place: Place) -> None:
    """Chromium's download events do not tell what the server said: the browser service has seen the answer."""
    await place.act("evaluate", expression="location.href = '/download/report.txt?size=99&type=application/pdf'")
    artifact = await place.one()
    assert (artifact["state"], artifact["declared_type"]) == ("quarantined", "application/pdf")
    assert artifact["reasons"] == ["declared_type_mismatch"]


@pytest.mark.parametrize(
    ("href", "name", "body"),
    [
        ("'/status/200'", "own.txt", b"status\n"),
        ("URL.createObjectURL(new Blob(['from a blob']))", "blob.txt", b"from a blob"),
        ("'data:text/plain,in%20it'", "data.txt", b"in it"),
        ("URL.createObjectURL(new Blob([]))", "nothing.txt", b""),
    ],
)
async def test_a_link_with_a_name_of_its_own_saves_what_it_leads_to(
    place: Place, href: str, name: str, body: bytes
) -> None:
    await place.click(href, name)
    artifact = await place.one()
    assert (artifact["file_name"], artifact["size_bytes"]) == (name, len(body))
    assert await place.content(artifact) == body


@pytest.mark.promise("a-download-is-fetched-once")
async def test_what_a_form_is_answered_with_is_not_asked_for_again(place: Place) -> None:
    await place.page.evaluate(
        "document.body.innerHTML = `<form method=post action='/download/form.csv?size=9&type=text/csv'>"
        "<input name=a value=1></form>`; document.forms[0].submit()"
    )
    assert (await place.one())["file_name"] == "form.csv"
    asked = [request.method for request in place.web.requests(path="/download/form.csv")]
    assert asked == ["POST"]


async def test_a_tab_that_opens_for_a_download_tells_who_opened_it(place: Place) -> None:
    await place.page.evaluate("void window.open('/download/popup.txt?size=4')")
    artifact = await place.one()
    assert (artifact["file_name"], artifact["referrer"]) == ("popup.txt", place.web.url("site.test", "/page"))


async def test_one_file_that_is_too_large_goes_to_quarantine(place: Place) -> None:
    await place.click("URL.createObjectURL(new Blob(['x'.repeat(10 << 20)]))", "big.txt")
    artifact = await place.one()
    assert (artifact["state"], artifact["size_bytes"]) == ("quarantined", 10 << 20)
    assert "too_large" in artifact["reasons"]
    assert await place.content(artifact, quarantined=True) == b"x" * (10 << 20)


async def test_a_download_without_end_is_ended_when_the_room_is_used_up(make_place: MakePlace) -> None:
    place = await make_place(budget={"artifact_bytes": 1 << 20, "artifacts_bytes": 2 << 20})
    await place.click("'/endless'", "endless.txt")
    artifact = await place.one()
    assert (artifact["state"], artifact["reasons"]) == ("rejected", ["session_quota"])
    assert artifact["sha256"] == "" and artifact["size_bytes"] > 0
    await place.save("small", "small.txt")  # the others go on
    assert (await place.one())["state"] == "ready"


async def test_a_program_that_calls_itself_a_picture_goes_to_quarantine(place: Place) -> None:
    await place.save(b"MZ" + bytes(510), "holiday.png")
    artifact = await place.one()
    assert artifact["state"] == "quarantined" and "executable" in artifact["reasons"]
    await place.save(PNG, "holiday.png")
    assert (await place.one())["state"] == "ready"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "report\u202etxt.exe", "a\0b.txt", "n" * 4096 + ".txt", "..", "a/b\\c:d.txt"]
)
async def test_no_name_is_more_than_a_name(place: Place, name: str) -> None:
    await place.save("x", name)
    kept = (await place.one())["file_name"]
    assert 0 < len(kept) <= 255 and kept.isprintable()
    assert not set(kept) & set('/\\:\0"') and kept not in (".", "..")


async def test_several_at_once_all_come_out(place: Place) -> None:
    for number in range(5):
        await place.click(f"'/download/{number}.txt?size={number * 100_000 + 1}'", "x")
    events = await place.told(5)
    artifacts = [await place.artifact(event["artifact"]) for event in events]
    assert {(each["file_name"], each["size_bytes"]) for each in artifacts} == {
        (f"{number}.txt", number * 100_000 + 1) for number in range(5)
    }


# Chromium lets a frame begin ten downloads a second, so a page that wants more takes more frames.
LOOP: Final = """(async () => {
  const url = URL.createObjectURL(new Blob(["x"]));
  const frames = Array.from({length: FRAMES}, () => document.body.appendChild(document.createElement("iframe")));
  for (let round = 0; round < ROUNDS; round++) {
    if (round) await new Promise(done => setTimeout(done, 1000));
    for (const frame of frames) {
      for (let n = 0; n < 10; n++) {
        const link = frame.contentDocument.createElement("a");
        link.href = url; link.download = `${round}-${n}.txt`;
        frame.contentDocument.body.append(link); link.click();
      }
      await new Promise(done => setTimeout(done, 0));
    }
  }
})()"""


async def _in_a_loop(place: Place, *, frames: int, rounds: int) -> None:
    await place.page.evaluate(LOOP.replace("FRAMES", str(frames)).replace("ROUNDS", str(rounds)), timeout_s=120)
    assert sum(event["type"] == "ready" for event in await place.told(20)) > 0
    kept = await place.all()
    assert {artifact["state"] for artifact in kept} == {"ready"}
    # Chromium itself gives some up on a slow machine; those have had their places.
    assert 0 < len(kept) <= 20
    # The session lives on, and nothing waits for anything.
    assert await place.page.evaluate("6 * 7") == 42


async def test_three_hundred_in_a_loop_leave_no_more_files_than_are_allowed(make_place: MakePlace) -> None:
    await _in_a_loop(await make_place(budget={"artifacts": 20}), frames=30, rounds=1)


@pytest.mark.long
async def test_ten_thousand_in_a_loop_leave_no_more_files_than_are_allowed(make_place: MakePlace) -> None:
    await _in_a_loop(await make_place(budget={"artifacts": 20}), frames=100, rounds=10)


async def test_where_downloads_are_off_nothing_comes_out(make_place: MakePlace) -> None:
    place = await make_place(downloads="off")
    answer = await place.act("evaluate", expression=f"({json.dumps('ready')})")
    assert answer["success"]
    await place.save("x", "a.txt")
    (event,) = await place.told()
    assert (event["type"], event["reasons"]) == ("rejected", "canceled")
    assert await place.all() == []


@pytest.mark.skipif(not Path("/usr/lib/chromium/chromium").exists(), reason="needs chromium (cloche doctor: chrome)")
async def test_full_chromium_is_watched_as_well(make_place: MakePlace) -> None:
    place = await make_place(engine="chrome")
    await place.click("'/download/report.txt?size=30&type=text/plain'")
    artifact = await place.one()
    assert (artifact["file_name"], await place.content(artifact)) == ("report.txt", b"x" * 30)
