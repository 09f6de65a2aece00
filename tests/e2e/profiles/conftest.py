"""A daemon with a state key, a site that is a secure context, and one page of it per session to keep things in."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

Json = dict[str, Any]

STATE_KEY: Final = base64.b64encode(bytes(range(32))).decode()


@dataclass
class Person:
    """Works with profiles and sessions as over REST."""

    daemon: DaemonProcess
    home: LocalWeb

    async def ask(self, method: str, path: str, body: object = None, *, status: int = 200) -> Json:
        answer = await self.daemon.request(method, f"/v1{path}", body, timeout_s=60)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        told: Json = answer.json if answer.body else {}
        return told

    async def new_profile(self, **facts: Any) -> str:
        return str((await self.ask("POST", "/profiles", {"name": "work", **facts}, status=201))["id"])

    async def start(self, profile_id: str | None = None, *, status: int = 201, **options: Any) -> Json:
        profile = {} if profile_id is None else {"profile": {"id": profile_id, "save": True}}
        egress = {"private_hosts": [f"localhost:{self.home.http_port}"], "deny_hosts": ["*.blocked.test"]}
        return await self.ask("POST", "/sessions", {"egress": egress, **profile, **options}, status=status)

    async def end(self, session: Json) -> Json:
        return await self.ask("DELETE", f"/sessions/{session['id']}")

    async def do(self, session: Json, use_case: str, **fields: Any) -> Json:
        told = await self.ask("POST", f"/sessions/{session['id']}/{use_case}", fields)
        assert told["success"], told
        return told

    async def js(self, session: Json, expression: str, **fields: Any) -> Any:
        answer = await self.do(session, "evaluate", expression=expression, timeout_ms=4000, **fields)
        return json.loads(answer["value_json"])

    async def wait(self, session: Json, expression: str, **fields: Any) -> Any:
        """Wait in the page until an expression is truthy."""
        look = (
            "new Promise((resolve) => { const look = () => { let value; try { value = (EXPRESSION); } catch {}"
            " value ? resolve(value) : setTimeout(look, 10); }; look(); })"
        )
        return await self.js(session, look.replace("EXPRESSION", expression), **fields)

    async def tabs_at(self, session: Json, *urls: str) -> list[Json]:
        """Wait until the tabs are at these addresses."""
        async with asyncio.timeout(5):
            while True:
                tabs = await self.tabs(session)
                if [tab["url"] for tab in tabs] == list(urls):
                    return tabs

    async def tabs(self, session: Json) -> list[Json]:
        return list((await self.ask("GET", f"/sessions/{session['id']}/tabs"))["tabs"])

    async def events(self, session: Json, type_: str) -> list[Json]:
        """The data of all events of that type of a session that has ended."""
        answer = await self.daemon.request("GET", f"/v1/sessions/{session['id']}/events")
        lines = [line.removeprefix("data: ") for line in answer.body.decode().splitlines() if line.startswith("data: ")]
        return [event["data"] for event in map(json.loads, lines) if event["type"] == type_]


@pytest.fixture(scope="module")
def home() -> Iterator[LocalWeb]:
    """A site at `localhost`: a secure context, which service workers and secure cookies need."""
    with LocalWeb(LOOPBACK_ONLY) as web:
        yield web


@pytest.fixture(scope="module")
def _kept_daemon(_web: LocalWeb) -> Iterator[DaemonProcess]:
    with DaemonProcess(resolver_hosts=_web.hosts_file, egress_own_addresses="false", state_key=STATE_KEY) as process:
        yield process


@pytest.fixture
async def lasting(home: LocalWeb, local_web: LocalWeb) -> AsyncIterator[Person]:
    """With a daemon of the test's own, to be killed and started again."""
    settings = {"egress_own_addresses": "false", "state_key": STATE_KEY}
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **settings) as process:
        yield Person(process, home)


@pytest.fixture
async def person(_kept_daemon: DaemonProcess, home: LocalWeb, local_web: LocalWeb) -> AsyncIterator[Person]:
    person = Person(_kept_daemon, home)
    yield person
    listed = await person.ask("GET", "/sessions?limit=200")
    for session in listed["sessions"]:
        if session["status"] not in ("closed", "failed"):
            await person.end(session)
