"""An agent whose browser is the stub, and the requests that stop, start and restart it."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloche.testing import stub_chromium

from .conftest import Agent, Connection, Host

START_URL = "https://start.example/"
Answer = tuple[int, dict[str, Any]]


class Commanded:
    """One agent, its link, and the browser that it keeps."""

    def __init__(self, host: Host, start_agent: Callable[..., Agent], directory: Path, *args: str, **changes: Any):
        self.profile = directory / "profile"
        self.workspace = directory / "workspace"
        self.policy = directory / "policies" / "cloche.json"
        self.workspace.mkdir()
        program = stub_chromium.install(directory / "bin", interpreter=sys.executable)
        browser = {
            "executable": str(program),
            "args": (*args, f"--user-data-dir={self.profile}", "--remote-debugging-port=0", START_URL),
            "user_data_dir": str(self.profile),
            "stop_grace_s": 2.0,
            **changes.pop("browser", {}),
        }
        self.agent = start_agent(browser=browser, policies_dir=str(self.policy.parent), **changes)
        self.link: Connection = host.accept()
        self.ready = self.link.read_until("browser", state="ready")["payload"]

    def post(self, target: str, **fields: object) -> Answer:
        with self.posting(target, **fields) as answer:
            return answer()

    @contextmanager
    def posting(self, target: str, **fields: object) -> Iterator[Callable[[], Answer]]:
        """Ask; the block may wait for the answer, or hang up."""
        body = json.dumps(fields).encode()
        head = f"POST {target} HTTP/1.1\r\nHost: agent\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with self.agent.open_stream(b'{"stream":"http"}\n', head + body) as stream, stream.makefile("rb") as file:
            stream.settimeout(20)
            yield lambda: _parse(file.read())

    def restart(self, **fields: object) -> Answer:
        return self.post("/browser/restart", **fields)

    def together(self, targets: list[tuple[str, dict[str, object]]]) -> list[Answer]:
        """All at once; the answers as they were asked."""
        answers: dict[int, Answer] = {}

        def ask(number: int) -> None:
            target, fields = targets[number]
            answers[number] = self.post(target, **fields)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(targets))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answers[number] for number in range(len(targets))]

    def devtools(self, target: str, method: str = "GET") -> Any:
        """Ask the browser itself."""
        answer, browser = self.agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
        assert browser is not None, answer
        with browser, browser.makefile("rb") as file:
            browser.sendall(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return json.loads(file.read().partition(b"\r\n\r\n")[2])

    def tabs(self) -> list[str]:
        """The open pages, the one in front first."""
        return [page["url"] for page in self.devtools("/json/list")]

    def open(self, url: str) -> None:
        from cloche.agent.tabs import escape

        assert self.devtools(f"/json/new?{escape(url)}", "PUT")["url"] == url

    def argv(self) -> list[str]:
        """What the browser was started with, without its interpreter."""
        pid = self.part("browser")["pid"]
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[3:-1]

    def part(self, name: str) -> dict[str, Any]:
        parts = self.agent.get_json("/processes")["parts"]
        return next(part for part in parts if part["name"] == name)

    def states(self) -> list[tuple[str, str]]:
        """Say goodbye; return state and reason of every report that has not been read yet."""
        self.link.send("shutdown")
        reports = [message["payload"] for message in self.link.rest() if message["type"] == "browser"]
        return [(report["state"], report.get("reason", "")) for report in reports]


def _parse(response: bytes) -> Answer:
    answer, _, response = response.partition(b"\n")
    assert json.loads(answer) == {"ok": True}
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def dial(agent: Agent, wait_s: float) -> tuple[dict[str, Any], socket.socket | None]:
    return agent.ask(**{"stream": "devtools", "pass": True, "wait_s": wait_s})
