"""The pages that are watched: a clock in black and white, a box to click, and something that moves at every frame.

`/moving` is an animation on a page with some text. `/scrolling` is a whole page of text in motion, which is the most
that a page can ask of whoever draws, packs and unpacks it; `/still` is that page standing still.

The clock is the low sixteen bits of `Date.now()` in sixteen squares of the first lines of the picture. Whoever sees it
can tell how old it is without asking anyone: everything from the page's script to the viewer's screen is in it.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

SQUARE: Final = 20
BITS: Final = 16
BOX: Final = (40, 120)
"""A point inside the box that a click changes from red to green and back."""

_CLOCK: Final = """
const clock = document.getElementById("clock").getContext("2d");
function tell() {
  const now = Date.now() & 0xffff;
  for (let bit = 0; bit < 16; bit++) {
    clock.fillStyle = (now >> bit) & 1 ? "#fff" : "#000";
    clock.fillRect(bit * 20, 0, 20, 24);
  }
}
document.addEventListener("mousedown", () => document.getElementById("box").classList.toggle("on"));
"""
_PAGE: Final = """<!doctype html><title>watched</title>
<style>
  body {{ margin: 0; overflow: hidden; font: 16px sans-serif }}
  canvas {{ position: fixed; left: 0; top: 0; z-index: 2 }}
  #box {{ position: fixed; left: 10px; top: 90px; width: 60px; height: 60px; background: #f00; z-index: 2 }}
  #box.on {{ background: #0f0 }}
  #text {{ margin-top: 30px }}
</style>
<canvas id=clock width=320 height=24></canvas><div id=box></div><div id=text></div>
<script>
document.getElementById("text").innerHTML = Array.from({{ length: {lines} }}, (_, line) =>
  "<p>Line " + line + ": the quick brown fox jumps over the lazy dog, " + Math.sin(line)).join("");
{clock}
{motion}
</script>"""
_MOVING: Final = """
const balls = Array.from({ length: 12 }, (_, index) => {
  const ball = document.body.appendChild(document.createElement("div"));
  ball.style.cssText = "position:fixed;left:0;top:0;width:60px;height:60px;border-radius:30px;z-index:1;background:hsl("
    + index * 30 + " 80% 50%)";
  return ball;
});
let turn = 0;
(function frame() {
  turn += 0.03;
  balls.forEach((ball, index) => {
    const angle = turn + index * Math.PI / 6;
    ball.style.transform = `translate(${610 + 450 * Math.cos(angle)}px, ${360 + 250 * Math.sin(angle * 1.5)}px)`;
  });
  tell();
  requestAnimationFrame(frame);
})();"""
_SCROLLING: Final = """
let y = 0;
(function frame() {
  y = (y + 4) % 4000;
  document.getElementById("text").style.transform = "translateY(-" + y + "px)";
  tell();
  requestAnimationFrame(frame);
})();"""
_POLLING: Final = """<!doctype html><title>polling</title><style>body { margin: 0 }</style>
<canvas id=c width=1280 height=720></canvas>
<script>
const socket = new WebSocket(location.hash.slice(1)), painter = document.getElementById("c").getContext("2d");
socket.onmessage = async (message) => {
  const image = new Image();
  image.src = "data:image/jpeg;base64," + JSON.parse(message.data).data;
  await image.decode();
  painter.drawImage(image, 0, 0);
};
</script>"""
PAGES: Final = {
    "/moving": _PAGE.format(lines=8, clock=_CLOCK, motion=_MOVING),
    "/scrolling": _PAGE.format(lines=400, clock=_CLOCK, motion=_SCROLLING),
    "/still": _PAGE.format(lines=400, clock=_CLOCK, motion="tell();"),
    "/polling": _POLLING,
}


class Pages:
    """A web server on a free port of 127.0.0.1 for as long as the block lasts."""

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers leave connections as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        page = PAGES.get(self.path)
        body = (page or "").encode()
        self.send_response(200 if page else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the figures are what is printed."""
