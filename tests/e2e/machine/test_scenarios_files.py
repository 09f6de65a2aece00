"""Archives and extensions: the replayed scenarios of files, and of what full Chromium takes beside them.

S3   An extension is loaded, the viewport changed, and at once a client asks for the version.
S17  An extension's content script runs in pages.
S18  An extension's service worker is registered.
S19  An extension that asks for webRequest is taken.
S26  A profile goes out and comes back as zip and as tar.zst, whole.
"""

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.web.server import LocalWeb

from .stage import Place

MARK = "document.title += ' marked'"


def extension(manifest: dict[str, Any], **files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("manifest.json", json.dumps({"manifest_version": 3, "version": "1.0"} | manifest))
        for name, text in files.items():
            archive.writestr(f"{name}.js", text)
    return made.getvalue()


CONTENT_SCRIPT = extension(
    {"name": "marks", "content_scripts": [{"matches": ["<all_urls>"], "js": ["mark.js"]}]}, mark=MARK
)
SERVICE_WORKER = extension({"name": "works", "background": {"service_worker": "work.js"}}, work="self.worked = true;")
WEB_REQUEST = extension(
    {
        "name": "listens",
        "permissions": ["webRequest"],
        "host_permissions": ["<all_urls>"],
        "background": {"service_worker": "listen.js"},
    },
    listen="chrome.webRequest.onBeforeRequest.addListener(() => {}, {urls: ['<all_urls>']});",
)


async def load(place: Place, name: str, archive: bytes) -> None:
    await place.machine.upload(f"/workspace/{name}", archive, is_zip=True)
    await place.machine.restart_browser(extensions=[f"/workspace/{name}"])


async def workers(client: CdpClient) -> list[str]:
    targets = (await client.send("Target.getTargets", {"filter": [{}]}))["targetInfos"]
    return [target["url"] for target in targets if target["type"] == "service_worker"]


async def test_s3_s17_an_extension_runs_and_the_browser_answers_at_once(
    make_place: Any, cdp: Any, local_web: LocalWeb
) -> None:
    place: Place = await make_place(engine="chrome")
    await load(place, "marks", CONTENT_SCRIPT)
    client = await cdp(place.connect_url)
    page = await client.new_page(local_web.url("site.test", "/page"))
    metrics = {"width": 1000, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    await page.send("Emulation.setDeviceMetricsOverride", metrics)
    assert (await client.send("Browser.getVersion"))["product"]
    await page.wait_for("document.title.endsWith(' marked')")


async def test_s18_s19_service_workers_of_extensions_are_registered(make_place: Any, cdp: Any) -> None:
    place: Place = await make_place(engine="chrome")
    for name, archive in (("works", SERVICE_WORKER), ("listens", WEB_REQUEST)):
        await load(place, name, archive)
        client = await cdp(place.connect_url)
        async with __import__("asyncio").timeout(10):
            while not any(url.startswith("chrome-extension://") for url in await workers(client)):
                await __import__("asyncio").sleep(0.05)


async def test_an_extension_needs_full_chromium(place: Place) -> None:
    from cloche.errors import InvalidError

    await place.machine.upload("/workspace/marks", CONTENT_SCRIPT, is_zip=True)
    with pytest.raises(InvalidError) as refused:
        await place.machine.restart_browser(extensions=["/workspace/marks"])
    assert refused.value.fields["reason"] == "engine_unsupported"


@pytest.mark.parametrize("is_zip", [True, False])
async def test_s26_a_profile_goes_out_and_comes_back_whole(
    is_zip: bool, place: Place, cdp: Any, local_web: LocalWeb
) -> None:
    client = await cdp(place.connect_url)
    for host in ("site.test", "other.test", "site.test"):
        await client.new_page(local_web.url(host, "/storage"))
    await place.machine.stop_browser()
    before = await digests(place, "/profile")
    archive = b"".join([piece async for piece in place.machine.download("/profile", is_zip=is_zip)])
    uploaded = await place.machine.upload("/workspace/copy", archive, is_zip=is_zip)
    assert uploaded.files > 10
    assert await digests(place, "/workspace/copy") == before
    await place.machine.start_browser()


async def digests(place: Place, directory: str) -> str:
    """Of names and contents of all files in a directory, computed in the session."""
    script = f"cd {directory} && find . -type f | sort | xargs -d '\\n' sha256sum"
    script = f"cd {directory} && find . -type f ! -name 'Singleton*' -print0 | sort -z | xargs -0 sha256sum"
    run = await place.machine.exec(["sh", "-c", script])
    assert run.exit_code == 0, run.stderr
    assert run.stdout.count(b"\n") > 10
    return hashlib.sha256(run.stdout).hexdigest()
