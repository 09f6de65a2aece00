"""A bare chromium-headless-shell for tests of what drives pages: no sandbox of ours around it, its own on, no proxy."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from cloche.browser.call import Call, Limits, WhyBlocked
from cloche.browser.launch import ACCESSIBILITY
from cloche.browser.memory import Memory
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.web import names

PATIENCE_S: Final = 5.0
Show = Callable[[str], Awaitable[Tab]]
"""`await show("<button>OK</button>")`: a tab shows that document from here on."""
CallOf = Callable[..., Call]
"""`call_of(tab)`: what a use case is handed; with `patience_s` and the fields of `Limits` as one likes."""

CHROMIUM: Final = "/usr/lib/chromium/chromium-headless-shell"
START_TIMEOUT_S: Final = 20.0
_BARE_UID: Final = 65534


def soon() -> float:
    """The deadline of what a test waits for, on the loop's clock."""
    return asyncio.get_running_loop().time() + PATIENCE_S


class BareChromium:
    """One browser with a fresh profile, under an unprivileged uid when the tests are root's.

    `hosts`: names and the addresses they resolve to; the local web's unless others are given.
    """

    def __init__(self, *arguments: str, hosts: Mapping[str, tuple[str, ...]] = names.NAMES) -> None:
        rules = ",".join(f"MAP {name} {addresses[0]}" for name, addresses in hosts.items() if ":" not in addresses[0])
        self._arguments = (*arguments, *ACCESSIBILITY, f"--host-resolver-rules={rules}", "about:blank")
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ("127.0.0.1", 0)
        self.browser_path = ""

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.address[1]}{self.browser_path}"

    def __enter__(self) -> Self:
        self._profile = Path(tempfile.mkdtemp(prefix="bare-"))
        prefix: list[str] = []
        if os.geteuid() == 0:
            os.chown(self._profile, _BARE_UID, _BARE_UID)
            prefix = ["setpriv", f"--reuid={_BARE_UID}", f"--regid={_BARE_UID}", "--clear-groups", "--"]
        own = ["--remote-debugging-port=0", f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            [*prefix, CHROMIUM, *own, *self._arguments],
            env={"HOME": str(self._profile), "PATH": "/usr/bin", "LANG": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, IndexError):  # not there, or not whole yet
                port = int((self._profile / "DevToolsActivePort").read_text().splitlines()[0])
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/version", timeout=10) as answer:
                    self.browser_path = urlsplit(json.load(answer)["webSocketDebuggerUrl"]).path
                self.address = ("127.0.0.1", port)
                return self
            threading.Event().wait(0.005)
        self.__exit__(None, None, None)
        raise TimeoutError("Chromium did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def dial(self) -> socket.socket:
        connection = socket.create_connection(self.address)
        connection.setblocking(False)
        return connection

    @asynccontextmanager
    async def browser(
        self,
        *,
        memory: Memory | None = None,
        limits: Limits | None = None,
        why_blocked: WhyBlocked = lambda host, port: None,
    ) -> AsyncGenerator[Browser]:
        """The daemon's connection to it, for one test."""
        browser = await Browser.open(
            self.dial(),
            self.browser_path,
            memory=memory or Memory(),
            limits=limits or Limits(),
            why_blocked=why_blocked,
        )
        try:
            yield browser
        finally:
            browser.close()
