"""The viewer page in a headless Chromium, and what it shows: read from the picture itself, whatever brings it."""

import json
from typing import Any, Final

from cloche.testing.cdp import CdpClient, CdpPage

SWITCHED_OFF: Final = "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks"
"""There is no multicast DNS where tests run, and their sites may ask for what is on loopback."""
VIEWERS_CHROMIUM: Final = (SWITCHED_OFF, "--allow-loopback-in-peer-connection")
PATIENCE_S: Final = 30.0

_PROBE: Final = """
globalThis.__shown = {
  find(root) {
    for (const element of root.querySelectorAll("*")) {
      const isPicture = element.tagName === "VIDEO" ? element.videoWidth : element.tagName === "CANVAS" && element.width > 600;
      if (isPicture && element.getClientRects().length) return element;
      const inside = element.shadowRoot && this.find(element.shadowRoot);
      if (inside) return inside;
    }
    return null;
  },
  colour() {
    const source = this.find(document);
    if (!source) return null;
    const context = this.context ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    context.drawImage(source, (source.videoWidth || source.width) / 2, (source.videoHeight || source.height) / 2, 4, 4, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return green > 128 && blue < 128 ? "green" : blue > 128 && green < 128 ? "blue" : `${red},${green},${blue}`;
  },
  words() {
    const element = document.querySelector("cloche-live");
    return [...element.shadowRoot.querySelectorAll(".cover:not([hidden]) h2, .cover:not([hidden]) p")].map(e => e.textContent).join(" ");
  },
  me() { return (document.querySelector("cloche-live").state.viewers || []).map(v => [v.transport, v.codec, v.fallback_reason].join("/")); },
  transport() { return document.querySelector("cloche-live").state.viewers.find(v => v.has_control).transport; },
  status() { return document.querySelector("cloche-live")?.dataset.status; },
  async until(true_, ms) {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const value = true_();
      if (value) return value;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`never; status ${this.status()}, ${this.words()}, ${this.me()}, ${this.colour()}`);
  },
  async moves(ms) {
    for (const wanted of [this.colour() === "green" ? "blue" : "green", "", ""]) {
      const before = wanted ? "" : this.colour();
      await this.until(() => ["green", "blue"].includes(this.colour()) && (wanted ? this.colour() === wanted : this.colour() !== before), ms);
    }
  },
};
"""


class ViewerPage:
    """Open, in a tab of its own. Made by `open_viewer`."""

    def __init__(self, page: CdpPage) -> None:
        self.page = page

    async def call(self, expression: str, *, timeout_s: float = PATIENCE_S) -> Any:
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self.page.send("Runtime.evaluate", asked, timeout_s=timeout_s + 10)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]["exception"]["description"]
        return answer["result"].get("value")

    async def until(self, expression: str, *, timeout_s: float = PATIENCE_S) -> Any:
        """Wait until an expression is true; return what it is then."""
        return await self.call(f"__shown.until(() => ({expression}), {timeout_s * 1000})", timeout_s=timeout_s)

    async def moves(self, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the picture of `live_watchers.MOVING` is seen to change, and to change again."""
        await self.call(f"__shown.moves({timeout_s * 1000})", timeout_s=3 * timeout_s)

    async def becomes(self, status: str, *, timeout_s: float = PATIENCE_S) -> None:
        await self.until(f"__shown.status() === {json.dumps(status)}", timeout_s=timeout_s)

    async def watches_by(self, wanted: str) -> None:
        """Wait until the server says of the only viewer that it watches so: `transport/codec/reason`."""
        await self.until(f"__shown.me().join() === {json.dumps(wanted)}")

    async def words(self) -> str:
        """What lies over the picture."""
        return str(await self.call("__shown.words()"))

    async def close(self) -> None:
        await self.page.client.send("Target.closeTarget", {"targetId": self.page.target_id})


async def open_viewer(client: CdpClient, url: str, *, before: str = "") -> ViewerPage:
    """`before`: a script that runs before those of the page."""
    page = await client.new_page()
    await page.send("Page.addScriptToEvaluateOnNewDocument", {"source": before + _PROBE})
    await page.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
    await page.goto(url)
    viewer = ViewerPage(page)
    await viewer.until("__shown.status()")
    return viewer
