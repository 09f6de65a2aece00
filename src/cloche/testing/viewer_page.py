"""The viewer page in a headless Chromium, and what it shows: read from the picture itself, whatever brings it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient, CdpPage

SWITCHED_OFF: Final = "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks"
"""There is no multicast DNS where tests run, and their sites may ask for what is on loopback."""
PATIENCE_S: Final = 30.0

_PROBE: Final = """
globalThis.__shown = {
  get element() { return document.querySelector("cloche-live"); },
  status() { return this.element?.dataset.status; },
  words() {
    const said = this.element.shadowRoot.querySelectorAll(".cover:not([hidden]) :is(h2, p)");
    return [...said].map((each) => each.textContent).join(" ");
  },
  ways() {
    const viewers = this.element.state.viewers || [];
    return viewers.map((each) => [each.transport, each.codec, each.fallback_reason].join("/"));
  },
  picture(root) {
    for (const each of root.querySelectorAll("*")) {
      const isPicture = each.tagName === "VIDEO" ? each.videoWidth : each.tagName === "CANVAS" && each.width > 600;
      if (isPicture && each.getClientRects().length) return each;
      const inside = each.shadowRoot && this.picture(each.shadowRoot);
      if (inside) return inside;
    }
    return null;
  },
  colour() {
    const source = this.picture(document);
    if (!source) return null;
    const context = this.context ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const [x, y] = [(source.videoWidth || source.width) / 2, (source.videoHeight || source.height) / 2];
    context.drawImage(source, x, y, 4, 4, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return green > 128 && blue < 128 ? "green" : blue > 128 && green < 128 ? "blue" : `${red},${green},${blue}`;
  },
  async until(isTrue, ms) {
    for (const end = performance.now() + ms; performance.now() < end;) {
      const value = isTrue();
      if (value) return value;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`never; ${this.status()}, ${this.words()}, ${this.ways()}, ${this.colour()}`);
  },
  async moves(ms) {
    const colours = this.colour() === "green" ? ["blue", "green", "blue"] : ["green", "blue", "green"];
    for (const colour of colours) await this.until(() => this.colour() === colour, ms);
  },
};
"""


@contextmanager
def viewers_chromium(**hosts: str) -> Iterator[BareChromium]:
    """A browser for viewers, with all processes that it keeps. `hosts`: addresses of names that end in `.localhost`,
    which count as secure: elsewhere there is no VideoDecoder."""
    names = {f"{name}.localhost": (address,) for name, address in hosts.items()}
    with BareChromium(SWITCHED_OFF, "--allow-loopback-in-peer-connection", hosts=names) as process:
        for _ in range(500):
            if _has_network_service():
                break
            threading.Event().wait(0.02)
        yield process


def _has_network_service() -> bool:
    """Whether there is one in this network: those of sessions have a network of their own."""
    ours = Path("/proc/self/ns/net").readlink()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            is_one = entry.name.isdecimal() and b"network.mojom.NetworkService" in (entry / "cmdline").read_bytes()
            if is_one and (entry / "ns/net").readlink() == ours:
                return True
    return False


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
        await self.until(f"__shown.ways().join() === {json.dumps(wanted)}")

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
