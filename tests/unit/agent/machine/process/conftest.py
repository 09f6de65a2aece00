"""The process API alone, with real processes."""

import base64
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.agent.machine.api import Loaded, Surroundings
from cloche.agent.machine.process.api import ProcessApi
from cloche.testing.agent_http import Client, Reply, run

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nowhere", "LANG": "C.UTF-8", "USER": "guest"}


class Machine:
    """`run` a scenario, or ask `once`."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.apis: list[ProcessApi] = []
        """Of each scenario; made with its first request."""

    @property
    def api(self) -> ProcessApi:
        return self.apis[-1]

    @property
    def running(self) -> int:
        return self.apis[-1].running if self.apis else 0

    def run(self, scenario: Callable[[Client], Awaitable[None]]) -> None:
        before = os.getcwd()
        run(scenario, self._load, workspace=str(self.workspace), env=ENV)
        assert os.getcwd() == before

    def once(self, method: str, target: str, json_: object = None) -> Reply:
        replies: list[Reply] = []

        async def scenario(client: Client) -> None:
            replies.append(await client.ask(method, target, json_))

        self.run(scenario)
        return replies[0]

    def exec(self, command: str, *args: str, **fields: Any) -> Reply:
        return self.once("POST", "/process/exec", {"command": command, "args": args, **fields})

    def shell(self, text: str, **fields: Any) -> dict[str, Any]:
        reply = self.exec("/bin/sh", "-c", text, **fields)
        assert reply.status == 200, reply.body
        outcome: dict[str, Any] = reply.json
        return outcome

    def _load(self, surroundings: Surroundings) -> Loaded:
        self.apis.append(ProcessApi(surroundings))
        return Loaded(self.api.routes(), self.api)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Machine(workspace)


async def spawn(client: Client, text: str, **fields: Any) -> str:
    """Start a shell with a program; give its id."""
    reply = await client.ask("POST", "/process/spawn", {"command": "/bin/sh", "args": ["-c", text], **fields})
    assert reply.status == 200, reply.body
    return str(reply.json["process_id"])


async def status(client: Client, id_: str) -> dict[str, Any]:
    reply = await client.ask("GET", f"/process/{id_}/status")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


async def ended(client: Client, id_: str) -> dict[str, Any]:
    """Its status, once it has exited."""
    while (found := await status(client, id_))["state"] == "running":
        await client.loop.sleep(0.005)
    return found


def text_of(outcome: dict[str, Any], name: str = "stdout") -> str:
    return base64.b64decode(outcome[f"{name}_b64"]).decode()
