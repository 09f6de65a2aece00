"""A person at a session: the real `…/live` page in a Chromium of the person's own, and what comes of it in the session.

What hands did is read from the session's page itself (`tests/data/pages/live.html` writes it down) through `observe`,
which looks and does not act: a program that acted would have control.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from playwright.async_api import Page, expect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
Rgb = tuple[int, int, int]
PATIENCE_S: Final = 30.0
GREEN: Final[Rgb] = (55, 201, 136)
BLUE: Final[Rgb] = (30, 60, 220)
RED_PAD: Final[Rgb] = (200, 30, 60)
PAD: Final = (120, 370)
FIELD: Final = (220, 65)
TOLERANCE: Final = 16
"""Of 256, for each colour. A matrix or a range that is not the one it was made with is off by more."""

PROBE: Final = """
globalThis.peers = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); peers.push(this); }
};
globalThis.shown = {
  picture() {
    const root = document.querySelector("cloche-live").shadowRoot;
    const isShown = (one) => one.getClientRects().length && (one.videoWidth || one.width) > 32;
    return [...root.querySelectorAll("video, canvas")].find(isShown);
  },
  size() {
    const picture = this.picture();
    return picture ? [picture.videoWidth || picture.width, picture.videoHeight || picture.height] : null;
  },
  colour(x, y) {
    const picture = this.picture();
    if (!picture) return null;
    const [width, height] = this.size();
    const { viewport } = document.querySelector("cloche-live").state;
    const context = this.context ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, x * width / viewport.width, y * height / viewport.height, 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  },
  async inbound() {
    for (const peer of peers.toReversed()) {
      const stats = await peer.getStats();
      const video = [...stats.values()].find((one) => one.type === "inbound-rtp" && one.kind === "video");
      if (video) return { frames: video.framesDecoded, codec: stats.get(video.codecId)?.mimeType };
    }
    return null;
  },
};
"""
"""Read from what the viewer shows, not from what it says; of WebRTC, from what Chromium counts."""


class Desk:
    """Made by the fixture `sit_down`."""

    def __init__(self, daemon: DaemonProcess, web: LocalWeb, session: Json, page: Page) -> None:
        self.daemon = daemon
        self.session = session
        self.page = page
        self._web = web
        self._visits = 0

    # --- the session --------------------------------------------------------------------------------------------------

    def url(self, query: str = "") -> str:
        return self._web.url("site.test", "/pages/live.html") + (f"?{query}" if query else "")

    async def api(self, method: str, path: str, body: object = None, *, timeout_s: float = 60.0) -> Json:
        """Ask something about the session, with the owner's key."""
        answer = await self.daemon.request(
            method, f"/v1/sessions/{self.session['id']}{path}", body, timeout_s=timeout_s
        )
        assert answer.status in (200, 201, 204), answer.body
        return answer.json if answer.body else {}

    async def told(self, enough: Callable[[Json], bool] = lambda _: True) -> Json:
        """What the session's page has noted, once that is enough."""
        query = urlencode({"include_visible_text": "true", "root": "#told"})
        noted: Json = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    answer = await self.api("GET", f"/observe?{query}")
                    lines = [line for line in answer["visible_text"].splitlines() if line.startswith("{")]
                    if lines:
                        noted = json.loads(lines[0])
                        if enough(noted):
                            return noted
        except TimeoutError:
            raise AssertionError(f"that has not come about; what has: {noted}; {await self.says()}") from None

    async def logged(self, *names: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """Events of these names that the page has seen since `fresh`, once they are enough."""

        def of(noted: Json) -> list[Any]:
            return [event for event in noted["log"] if event[0] in names]

        return of(await self.told(lambda noted: enough(of(noted))))

    # --- the viewer's page --------------------------------------------------------------------------------------------

    async def fresh(self) -> None:
        """Have the page loaded anew, by the address bar."""
        self._visits += 1
        name = f"{id(self):x}-{self._visits}"
        address = self.page.get_by_label("Address")
        await address.click()
        await address.fill(self.url(name))
        await address.press("Enter")
        await self.told(lambda noted: noted["n"] == name)

    async def state(self) -> Json:
        state: Json = await self.page.evaluate("document.querySelector('cloche-live').state")
        return state

    async def until(self, script: str) -> Any:
        """Wait until an expression, or what it promises, is true in the viewer's page; return what it is then."""
        async with asyncio.timeout(PATIENCE_S):
            while not (value := await self.page.evaluate(script)):
                await asyncio.sleep(0.02)
        return value

    async def is_live(self) -> None:
        await expect(self.page.locator("cloche-live")).to_have_attribute(
            "data-status", "live", timeout=PATIENCE_S * 1000
        )

    async def shows(self, colour: Rgb, x: float, y: float) -> None:
        """Wait until the picture has that colour at that place of the session's page."""
        near = f"shown.colour({x}, {y})?.every((value, at) => Math.abs(value - {list(colour)}[at]) <= {TOLERANCE})"
        try:
            await self.until(near)
        except TimeoutError as error:
            seen = await self.page.evaluate(f"shown.colour({x}, {y})")
            raise AssertionError(f"it is {seen}, not {colour}; {await self.says()}") from error

    async def says(self) -> str:
        """What the viewer tells a person, for messages of tests."""
        script = """() => {
          const live = document.querySelector("cloche-live");
          const { control, browser, viewport, viewers = [] } = live.state;
          const said = live.shadowRoot.querySelectorAll(".cover:not([hidden]), .notice, .control");
          const texts = [...said].map((one) => one.textContent);
          const ways = viewers.map((one) => [one.id, one.transport, one.codec, one.fallback_reason]);
          return JSON.stringify([live.dataset.status, texts, control, browser, viewport, ways]);
        }"""
        return str(await self.page.evaluate(script))

    # --- hands --------------------------------------------------------------------------------------------------------

    async def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the viewer's screen that place of the session's page is shown."""
        box = await self.page.locator(".stage").bounding_box()
        assert box is not None
        viewport = (await self.state())["viewport"]
        scale = min(box["width"] / viewport["width"], box["height"] / viewport["height"])
        left = box["x"] + (box["width"] - viewport["width"] * scale) / 2
        top = box["y"] + (box["height"] - viewport["height"] * scale) / 2
        return left + x * scale, top + y * scale

    async def click(self, x: float, y: float, **options: Any) -> None:
        await self.page.mouse.click(*await self.place(x, y), **options)

    async def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        await self.page.mouse.move(*await self.place(*start))
        await self.page.mouse.down()
        await self.page.mouse.move(*await self.place(*end), steps=steps)
        await self.page.mouse.up()

    async def in_field(self) -> None:
        """Have the focus in the page's field of text."""
        await self.click(*FIELD)
        await self.told(lambda noted: ["click", "field", 0, 1] in noted["log"])

    async def type(self, text: str) -> None:
        """As on a keyboard of the United States: with Shift where it takes one."""
        for character in text:
            if character.isupper() or character in '!@#$%^&*()_+{}|:"<>?':
                await self.page.keyboard.down("Shift")
                await self.page.keyboard.press(character)
                await self.page.keyboard.up("Shift")
            else:
                await self.page.keyboard.press(character)
