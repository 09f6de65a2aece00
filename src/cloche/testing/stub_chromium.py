"""A small program that stands in for Chromium inside a sandbox, with a temper of the caller's choice.

`install(directory)` writes it as an executable for `CLOCHE_CHROMIUM_SHELL`. It starts in a tenth of a second, and a
session chooses its temper by `user_agent`:

    (none)         answers on the DevTools port and goes on
    crash          ends before it has opened the port
    hang           never opens the port
    mute           opens the port and never answers
    babble         answers what is no HTTP
    loop           ends a moment after its first answer, again and again
    linger         ignores SIGTERM
    deaf           answers Browser.close and goes on
    stubborn       ignores both
    fork           forks until the kernel refuses; `/json/list` tells how often that went well
    hog            takes memory in steps of 16 MiB until it is stopped
    socks:garbage  says to the proxy what is no SOCKS; `/json/list` tells what each connection came to
    socks:slow     says a greeting byte by byte, too slowly, on many connections

`--break` on its command line makes it end before it is ready, `--mark=…` stands in `/json/version`. Otherwise it plays
Chromium where the agent relies on it: a page for the URL on the command line, `/json/list` with the one in front first,
`PUT /json/new?…`, and `Browser.close` over a WebSocket, which alone writes what it holds: `kept` in its profile.

It runs under the sandbox's own Python, so only the standard library may be imported, and nothing of Cloche.
"""

import base64
import contextlib
import hashlib
import json
import mmap
import os
import signal
import socket
import sys
import threading
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import Final

INTERPRETER: Final = "/opt/python/bin/python3"
DEVTOOLS_PORT: Final = 9222
PROXY: Final = ("127.0.0.1", 1080)

GARBAGE: Final = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"\x04\x01\x00\x50\x7f\x00\x00\x01root\x00",  # SOCKS4
    b"\x05\x00",  # no method at all
    b"\x05\x01\x02",  # a method the gateway does not offer
    b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50",  # BIND
    b"\x05\x01\x00\x05\x01\x00\x07\x00\x00",  # an address type there is not
    b"\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50",  # an empty name
    b"\x05\x01\x00\x05\x01\xff\x01\x7f\x00\x00\x01\x00\x50",  # a reserved byte that is set
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),  # TLS
    bytes(70_000),
)

WEBSOCKET_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Report = dict[str, object]


def install(directory: Path, name: str = "chromium", interpreter: str = INTERPRETER) -> Path:
    """Write the program into `directory` (made, and open to every user) and return its path."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.chmod(0o755)
    program = directory / name
    program.write_text(f"#!{interpreter} -IS\n{Path(__file__).read_text()}")
    program.chmod(0o755)
    return program


class Stub:
    """One run of the program."""

    def __init__(self, temper: str, profile: Path) -> None:
        self._temper = temper
        self._profile = profile
        url = sys.argv[-1] if not sys.argv[-1].startswith("-") else "about:blank"
        self._report: Report = {"temper": temper, **_page(url)}
        self._pages = [self._report]
        self._path = f"/devtools/browser/{uuid.uuid4()}"
        self._port = 0

    def run(self) -> None:
        if self._temper == "crash" or "--break" in sys.argv:
            sys.exit("stub: cannot go on")
        if self._temper == "hang":
            _wait_for_ever()
        if self._temper in ("linger", "stubborn"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        listener = socket.create_server(
            ("127.0.0.1", int(_argument("remote-debugging-port") or self._port)), backlog=64
        )
        self._port = listener.getsockname()[1]
        self._profile.mkdir(parents=True, exist_ok=True)
        port_file = self._profile / "DevToolsActivePort"
        port_file.with_suffix(".new").write_text(f"{self._port}\n{self._path}")
        port_file.with_suffix(".new").rename(port_file)
        threading.Thread(target=self._misbehave, daemon=True).start()
        while True:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        if self._temper == "mute":
            _wait_for_ever()
        head = connection.recv(16384)
        request = head.split(b" ")
        if self._temper == "babble":
            connection.sendall(b"\x00\xff half a thought\r\n\r\n" * 4)
            return
        target = request[1].decode() if len(request) > 1 else ""
        if target == self._path:
            threading.Thread(target=self._converse, args=(connection.dup(), head), daemon=True).start()
            return
        connection.sendall(_http(200, self._json(target)))
        if self._temper == "loop":
            threading.Timer(0.05, os._exit, (9,)).start()

    def _json(self, target: str) -> object:
        if target.startswith("/json/version"):
            url = f"ws://127.0.0.1:{self._port}{self._path}"
            return {"Browser": "Stub/1.0", "webSocketDebuggerUrl": url, "mark": _argument("mark")}
        if target.startswith("/json/new?"):
            self._pages.append(_page(urllib.parse.unquote(target.partition("?")[2])))
            return self._pages[-1]
        return self._pages[::-1]

    def _converse(self, connection: socket.socket, head: bytes) -> None:
        """Speak as much WebSocket as one Browser.close takes."""
        with connection:
            at = head.lower().index(b"sec-websocket-key: ") + len(b"sec-websocket-key: ")
            key = head[at:].partition(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID).digest()).decode()  # noqa: S324
            fields = f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n"
            connection.sendall(f"HTTP/1.1 101 Yes\r\n{fields}\r\n".encode())
            frame = connection.recv(4096)
            mask, masked = frame[2:6], frame[6 : 6 + (frame[1] & 0x7F)]
            message = json.loads(bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)))
            if message["method"] != "Browser.close":
                return
            body = json.dumps({"id": message["id"], "result": {}}).encode()
            connection.sendall(bytes((0x81, len(body))) + body)
        if self._temper not in ("deaf", "stubborn"):
            (self._profile / "kept").write_text(str(self._report["url"]))
            os._exit(0)

    def _misbehave(self) -> None:
        if self._temper == "fork":
            self._fork()
        elif self._temper == "hog":
            _hog()
        elif self._temper == "socks:garbage":
            self._report["outcomes"] = [_converse(line) for line in (*GARBAGE, os.urandom(300))]
        elif self._temper == "socks:slow":
            self._dawdle(connections=40)

    def _fork(self) -> None:
        children = 0
        try:
            while children < 5000:
                if os.fork() == 0:
                    _wait_for_ever()
                children += 1
        except OSError as error:
            self._report["refused"] = os.strerror(error.errno or 0)
        self._report["children"] = children

    def _dawdle(self, connections: int) -> None:
        held = [socket.create_connection(PROXY, timeout=30) for _ in range(connections)]
        self._report["open"] = len(held)
        began = time.monotonic()
        for byte in b"\x05\x01\x00\x05\x01\x00\x03\xff" + b"a" * 255:
            time.sleep(0.25)
            held = [sock for sock in held if _still_takes(sock, byte)]
            self._report["open"] = len(held)
            if not held:
                break
        self._report["cut_after_s"] = round(time.monotonic() - began, 1)


def _page(url: str) -> Report:
    return {"type": "page", "id": uuid.uuid4().hex, "title": "", "url": url}


def _hog() -> None:
    held = []
    while True:
        piece = mmap.mmap(-1, 16 << 20)
        for page in range(0, len(piece), 4096):
            piece[page] = 1
        held.append(piece)
        time.sleep(0.01)


def _converse(data: bytes) -> str:
    """Say `data` to the proxy; tell how that ended and what came back."""
    try:
        with socket.create_connection(PROXY, timeout=15) as proxy:
            proxy.sendall(data)
            answer = b""
            while piece := proxy.recv(4096):
                answer += piece
    except TimeoutError:
        return "timeout"
    except OSError:
        return "reset"
    return f"closed:{answer.hex()}"


def _still_takes(sock: socket.socket, byte: int) -> bool:
    try:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            if not sock.recv(64):
                raise ConnectionResetError
        sock.send(bytes((byte,)))
    except OSError:
        sock.close()
        return False
    return True


def _http(status: int, value: object) -> bytes:
    body = json.dumps(value).encode()
    return f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def _wait_for_ever() -> None:
    while True:
        signal.pause()


def _argument(name: str) -> str:
    prefix = f"--{name}="
    return next((word.removeprefix(prefix) for word in sys.argv if word.startswith(prefix)), "")


if __name__ == "__main__":
    Stub(_argument("user-agent"), Path(_argument("user-data-dir"))).run()
