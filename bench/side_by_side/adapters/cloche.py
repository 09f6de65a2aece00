"""Cloche as anyone runs it: a daemon of its own for the bench, asked over its public API."""

import asyncio
import base64
import secrets
import time
from typing import Any, Final

from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.daemon_facts import metric
from processes import tree
from side_by_side.adapters.adapter import Adapter, Lease

FULL_S: Final = 90.0
NOTICED_S: Final = 2.0
SPARE_SESSIONS: Final = 16


class ClocheCold(Adapter):
    name = "cloche-cold"
    title = "Cloche cold"
    note = (
        "a sandbox built from nothing for each session: namespaces, control group, a uid of its own, no network "
        "but the gateway that checks every connection; Chromium's own sandbox on inside. No start page is asked for"
    )
    sleeps = True

    async def open(self) -> None:
        most = self.world.at_once + SPARE_SESSIONS
        general: dict[str, Any] = {
            "max_sessions": most,
            "max_sessions_per_principal": most,
            "log_level": "info",
            "state_key": base64.b64encode(secrets.token_bytes(32)).decode(),  # without one nothing hibernates
        }
        self.daemon = DaemonProcess(**(general | self._pool() | self.world.settings))
        await self.daemon.start()

    async def close(self) -> None:
        await self.daemon.close()

    async def create(self) -> Lease:
        session = await self.daemon.create_session(egress={"private_hosts": [self.world.host], "max_bytes": 1 << 36})
        return Lease(session["connect_url"], session["id"], session.get("started", ""))

    async def release(self, lease: Lease) -> None:
        await self._ask("DELETE", f"/v1/sessions/{lease.id}")

    async def sleep(self, lease: Lease) -> None:
        await self._once_unused(lease, "sleep")

    async def hibernate(self, lease: Lease) -> None:
        await self._once_unused(lease, "hibernate")

    async def list(self) -> int:
        """How many sessions there are."""
        answer = await self._ask("GET", "/v1/sessions?limit=200")
        return len(answer["sessions"])

    def processes(self) -> set[int]:
        return tree(self.daemon.pid) | set(processes_of(self.daemon.directory))

    def _pool(self) -> dict[str, int]:
        return {"pool_size": 0}

    async def _once_unused(self, lease: Lease, verb: str) -> None:
        """Its client has just closed: until the daemon has noticed, the session counts as in use."""
        deadline = time.monotonic() + NOTICED_S
        while (answer := await self.daemon.request("POST", f"/v1/sessions/{lease.id}/{verb}")).status == 409:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.01)
        if answer.status >= 300:
            raise RuntimeError(f"{verb} answered {answer.status} {answer.body[:300]!r}")

    async def _ask(self, method: str, path: str) -> Any:
        answer = await self.daemon.request(method, path)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path.split('?')[0]} answered {answer.status} {answer.body[:300]!r}")
        return answer.json


class ClocheWarm(ClocheCold):
    name = "cloche-warm"
    title = "Cloche warm"
    same_as = ClocheCold.name
    note = (
        "the same walls, built before anyone asked: a sandbox with its browser up waits asleep in a pool and is "
        "used once. The pool is full when a round begins; refilling it is not part of the round"
    )

    async def rest(self) -> None:
        """Wait until the pool is full again, and asleep."""
        size, deadline = self._pool()["pool_size"], time.monotonic() + FULL_S
        while (ready := await metric(self.daemon, "cloche_pool_ready", state="asleep")) < size:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pool has {ready:.0f} of {size} after {FULL_S:.0f} s")
            await asyncio.sleep(0.05)

    def _pool(self) -> dict[str, int]:
        size = self.world.at_once + 2
        return {"pool_size": size, "pool_max": size}
