"""A session as a small machine, spoken to over the public API, and what its agent and its daemon take meanwhile."""

import contextlib
import http.client
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from cloche.sandbox.namespace import members
from cloche.testing.daemon import DaemonProcess

MIB = 1 << 20
GIB = 1 << 30
TICKS = os.sysconf("SC_CLK_TCK")
PYTHON_INSIDE = "/opt/python/bin/python3"
TIMEOUT_S = 600.0


class Machine:
    """A session made with `machine`, and one connection to the daemon that is kept open."""

    def __init__(self, daemon: DaemonProcess, **body: object) -> None:
        self.daemon = daemon
        self._headers = {"authorization": f"Bearer {daemon.key}"}
        self._kept = self._connect()
        self.session: dict[str, Any] = self._ask("POST", "/v1/sessions", {"machine": True} | body)
        self.base = f"/v1/sessions/{self.session['id']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("DELETE", self.base)
        self._kept.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return self._ask(method, self.base + path, body)

    def exec(self, *words: str) -> dict[str, Any]:
        """Run a program to its end, which must be a good one."""
        answer: dict[str, Any] = self.ask(
            "POST", "/process/exec", {"command": words[0], "args": words[1:], "timeout_sec": TIMEOUT_S}
        )
        if answer["exit_code"] != 0:
            raise RuntimeError(f"{words[0]} ended with {answer}")
        return answer

    def spawn(self, *words: str) -> str:
        process_id: str = self.ask("POST", "/process/spawn", {"command": words[0], "args": words[1:]})["process_id"]
        return process_id

    @contextlib.contextmanager
    def stream(self, route: str, /, **query: str | int) -> Iterator[http.client.HTTPResponse]:
        """Open an answer that is read as it comes, on a connection of its own."""
        connection = self._connect()
        try:
            connection.request("GET", f"{self.base}{route}?{urlencode(query)}", headers=self._headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise RuntimeError(f"{route} answered {answer.status} {answer.read()!r}")
            yield answer
        finally:
            connection.close()

    def agent_pid(self) -> int:
        record = json.loads((self.daemon.run_dir / self.session["id"] / "sandbox.json").read_text())
        agent = members.agent_of(record["inner"]["pid"])
        if agent is None:
            raise RuntimeError("the session has no agent")
        agent.close()
        return agent.identity.pid

    def _connect(self) -> http.client.HTTPConnection:
        address = urlsplit(self.daemon.base_url)
        return http.client.HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = self._headers | ({} if body is None else {"content-type": "application/json"})
        self._kept.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._kept.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status} {data!r}")
        return json.loads(data) if data else None


class Load:
    """What processes took during a block: processor time, and memory above what they had when it began."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self.cpu_s: dict[str, float] = {}
        self.grown_mb: dict[str, float] = {}

    def __enter__(self) -> Self:
        for pid in self._pids.values():
            # 5: the peak is counted anew from here (proc_pid_clear_refs(5)).
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = {name: (cpu_s([pid]), status_mb(pid, "VmRSS")) for name, pid in self._pids.items()}
        return self

    def __exit__(self, *_: object) -> None:
        for name, pid in self._pids.items():
            cpu, size = self._before[name]
            self.cpu_s[name] = cpu_s([pid]) - cpu
            self.grown_mb[name] = status_mb(pid, "VmHWM") - size


def cpu_s(pids: Sequence[int]) -> float:
    """Processor time of all their threads (proc_pid_stat(5)), in steps of a tick."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def status_mb(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def big(memory_bytes: int, disk_bytes: int) -> dict[str, object]:
    """A budget for a session that is to hold large files: they are memory."""
    return {"budget": {"memory_bytes": memory_bytes, "disk_bytes": disk_bytes}}
