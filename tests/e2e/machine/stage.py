"""State that a browser keeps, and whether a browser works: what several scenarios ask of a page."""

import json
from typing import Any, Final, NamedTuple

from cloche.client.machine_aio import Machine
from cloche.testing.cdp import CdpClient, CdpPage

Json = dict[str, Any]

KEEP: Final = """(async (value) => {
  document.cookie = "kept=" + value + ";max-age=31536000";
  localStorage.setItem("kept", value);
  const database = await new Promise((ok, no) => {
    const asked = indexedDB.open("kept", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => ok(asked.result); asked.onerror = no;
  });
  await new Promise((ok) => {
    const write = database.transaction("kept", "readwrite");
    write.objectStore("kept").put(value, "kept"); write.oncomplete = ok;
  });
  database.close();
  const workers = navigator.serviceWorker;
  if (workers) { await workers.register("/service-worker.js"); await workers.ready; }
  return true;
})(%s)"""

KEPT: Final = """(async () => {
  const database = await new Promise((ok, no) => {
    const asked = indexedDB.open("kept", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => ok(asked.result); asked.onerror = no;
  });
  const stored = await new Promise((ok) => {
    const read = database.transaction("kept").objectStore("kept").get("kept");
    read.onsuccess = () => ok(read.result ?? null);
  });
  database.close();
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("kept="));
  const workers = navigator.serviceWorker ? (await navigator.serviceWorker.getRegistrations()).length : null;
  return [cookie ? cookie.slice(5) : null, localStorage.getItem("kept"), stored, workers];
})()"""


async def keep(page: CdpPage, value: str) -> None:
    """Put a value where a browser keeps state: a cookie, localStorage, IndexedDB; and register a service worker."""
    assert await page.evaluate(KEEP % json.dumps(value)) is True


async def kept(page: CdpPage) -> Any:
    """Cookie, localStorage, IndexedDB, and how many service workers."""
    return await page.evaluate(KEPT)


async def page_urls(client: CdpClient) -> list[str]:
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return [target["url"] for target in targets if target["type"] == "page"]


async def works(client: CdpClient) -> None:
    """The browser does what a browser does: it opens a page, computes, and paints."""
    assert (await client.send("Browser.getVersion"))["product"]
    page = await client.new_page("data:text/html,<title>sum</title><h1>sum</h1>")
    assert await page.evaluate("[1, 2, 3, 4, 5, 6].reduce((a, b) => a + b)") == 21
    picture = (await page.send("Page.captureScreenshot"))["data"]
    assert len(picture) > 1000
    await page.close()


class Place(NamedTuple):
    """A session made with `machine`, and its small machine."""

    session: Json
    machine: Machine

    @property
    def connect_url(self) -> str:
        return str(self.session["connect_url"])
