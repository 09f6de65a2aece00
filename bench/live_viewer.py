"""A viewer in a Chromium of its own, and what it sees: read from the picture itself, not from what anybody says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from cloche.concurrency.tasks import spawn
from figures import Samples

CHROMIUM: Final = "/usr/lib/chromium/chromium-headless-shell"
VIEWER_SIZE: Final = {"width": 1280, "height": 816}

# `find` finds what is shown, through shadow roots. Frames are counted where the browser counts them: those a video has
# decoded, those that the page draws on the canvas that is shown. `watch` reads the page's clock from the picture ten
# times a second, just after a new frame: at every frame the reading itself would cost as much as decoding does.
_PROBE: Final = """
globalThis.__probe = {
  opened: performance.now(),
  drawn: 0,
  find(root) {
    for (const element of root.querySelectorAll("*")) {
      const isVideo = element.tagName === "VIDEO" && element.videoWidth;
      const isCanvas = element.tagName === "CANVAS" && element.width > 600;
      if ((isVideo || isCanvas) && element.getClientRects().length) return element;
      const inside = element.shadowRoot && this.find(element.shadowRoot);
      if (inside) return inside;
    }
    return null;
  },
  shown() {
    if (!this.source?.getClientRects().length) this.source = this.find(document);
    return this.source;
  },
  frames() {
    const source = this.shown(), played = source?.getVideoPlaybackQuality?.();
    return played ? played.totalVideoFrames - played.droppedVideoFrames : this.drawn;
  },
  async next() {
    const source = this.shown();
    if (source?.requestVideoFrameCallback) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, 200);
        source.requestVideoFrameCallback(() => { clearTimeout(timer); resolve(); });
      });
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 200);
      this.onDrawn = () => { clearTimeout(timer); resolve(); };
    });
  },
  look(width, height, x = 0, y = 0) {
    const source = this.shown();
    if (!source) return null;
    const whole = source.videoWidth || source.width, scale = whole / 1280;
    const canvas = this.canvas ??= new OffscreenCanvas(320, 24);
    const context = this.context ??= canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, x * scale, y * scale, width * scale, height * scale, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  },
  stamp() {
    const pixels = this.look(320, 24);
    if (!pixels) return null;
    let value = 0;
    for (let bit = 0; bit < 16; bit++) {
      const at = (12 * 320 + bit * 20 + 10) * 4;
      if (pixels[at + 1] > 127) value |= 1 << bit;
    }
    return value;
  },
  isGreen() {
    const pixels = this.look(4, 4, 38, 118);
    return pixels ? pixels[1] > 128 && pixels[0] < 128 : null;
  },
  async watch(seconds) {
    const ages = [], frames = this.frames(), began = performance.now(), end = began + seconds * 1000;
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 80 + 40 * Math.random()));
      await this.next();
      const stamp = this.stamp();
      if (stamp !== null) ages.push(((Date.now() & 0xffff) - stamp + 0x10000) & 0xffff);
    }
    return [(this.frames() - frames) / (performance.now() - began) * 1000, ages];
  },
  async firstPicture(timeout) {
    while (performance.now() < timeout) {
      const pixels = this.look(4, 4, 38, 118);
      if (pixels && (pixels[0] > 200 || pixels[1] > 200) && pixels[2] < 100) return performance.now();
      await new Promise(requestAnimationFrame);
    }
    return null;
  },
  async click(send) {
    const before = this.isGreen();
    const began = await new Promise((resolve) => addEventListener("pointerdown", () => resolve(performance.now()),
      { capture: true, once: true }));
    while (this.isGreen() === before) {
      if (performance.now() - began > 5000) return null;
      await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
  },
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...rest) {
  draw.apply(this, rest);
  if (this.canvas !== __probe.source) return;
  __probe.drawn++;
  __probe.onDrawn?.();
};
"""


@dataclass(slots=True)
class Watched:
    """What a viewer saw in some seconds."""

    fps: float
    age_ms: Samples


class LiveViewer:
    """The viewer page of a session, open."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def first_picture_ms(self, timeout_s: float = 30.0) -> float:
        """From the page's beginning to pixels of the watched page. Raises: TimeoutError."""
        found = await self.page.evaluate("timeout => __probe.firstPicture(timeout)", timeout_s * 1000)
        if found is None:
            raise TimeoutError("the viewer shows nothing")
        return float(found)

    async def watch(self, seconds: float) -> Watched:
        fps, ages = await self.page.evaluate("seconds => __probe.watch(seconds)", seconds)
        # The clock's squares may be half one frame and half another: such ages are wild, and no real one is that old.
        return Watched(fps, Samples([float(age) for age in ages if age < 20_000]))

    async def click_ms(self, x: float, y: float) -> float | None:
        """From the press in the viewer to the changed pixel in the viewer; None: it did not come."""
        box = await self.page.evaluate(
            "() => { const r = __probe.find(document).getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }"
        )
        scale = box[2] / 1280
        changing = self.page.evaluate("() => __probe.click()")
        await self.page.mouse.move(box[0] + x * scale, box[1] + y * scale)
        waiting = spawn(_awaited(changing), name="click")
        await asyncio.sleep(0.05)
        await self.page.mouse.down()
        await self.page.mouse.up()
        return await waiting

    async def transport(self) -> str:
        """What the page says that it watches by."""
        said: Any = await self.page.evaluate(
            "() => { const e = document.querySelector('cloche-live'); const s = e?.state ?? {};"
            " return (s.viewers ?? []).map(v => [v.transport, v.codec, v.fallback_reason].join('/')).join(' ') }"
        )
        return str(said)


async def _awaited(changing: Awaitable[Any]) -> float | None:
    took: float | None = await changing
    return took


@asynccontextmanager
async def viewing_browser() -> AsyncIterator[Browser]:
    """A Chromium of the viewer's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def viewing(browser: Browser, url: str) -> AsyncIterator[LiveViewer]:
    context = await browser.new_context(viewport=VIEWER_SIZE)
    await context.add_init_script(_PROBE)
    page = await context.new_page()
    try:
        await page.goto(url, wait_until="commit")
        yield LiveViewer(page)
    finally:
        await context.close()
