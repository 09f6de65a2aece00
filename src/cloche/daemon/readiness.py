"""What must hold for a session to be made now: one probe for each thing that can stand in the way. /readyz asks them.

    database   it answers
    sandbox    bubblewrap, the browser and the root image are there, and sandboxes' own users can reach them
    walls      bubblewrap can build a sandbox on this kernel, tried at most once in `WALLS_EVERY_S`
    room       the run and state directories have space for one more
    starts     the last sessions did not all fail to start
    audit      what is done can be written down (added by the composition root)

A probe returns what is wrong in a sentence without a path, or None.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import Counter
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from cloche.clock import Clock
from cloche.daemon.doctor import bubblewrap
from cloche.daemon.doctor.check import DoctorSettings
from cloche.errors import StartError
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.storage.database import Database
from cloche.telemetry.metrics import Metrics

WALLS_EVERY_S: Final = 30.0
FEWEST_INODES: Final = 16
LEAST_RUN_BYTES: Final = 64 << 10
LEAST_STATE_BYTES: Final = 1 << 20
FAILURES_IN_A_ROW: Final = 3
FAILURES_COUNT_FOR_S: Final = 60.0
"""After this time without a start readiness is given back: only a new start can show that the cause is gone."""

Probe = Callable[[], Awaitable[str | None]]


def readiness_probes(
    settings: DoctorSettings, *, database: Database, driver: NamespaceDriver, metrics: Metrics, clock: Clock
) -> dict[str, Probe]:
    async def check_database() -> str | None:
        try:
            await database.check()
        except SQLAlchemyError:
            return "the database does not answer"
        return None

    async def check_sandbox() -> str | None:
        try:
            await driver.prepare()
        except StartError as error:
            return error.detail
        return None

    async def check_room() -> str | None:
        return await asyncio.to_thread(lack_of_room, settings)

    return {
        "database": check_database,
        "sandbox": check_sandbox,
        "walls": Walls(settings, clock).check,
        "room": check_room,
        "starts": Starts(metrics, clock).check,
    }


def lack_of_room(settings: DoctorSettings) -> str | None:
    """Say which directory is full. Blocks."""
    for name, directory, least_bytes in _places(settings):
        status = os.statvfs(directory)
        # A file system that makes inodes as it needs them counts none at all.
        if status.f_bavail * status.f_frsize < least_bytes or (status.f_files > 0 and status.f_favail < FEWEST_INODES):
            return f"the {name} directory is full"
    return None


def _places(settings: DoctorSettings) -> Iterator[tuple[str, Path, int]]:
    yield "run", settings.run_dir, LEAST_RUN_BYTES
    yield "state", settings.state_dir, LEAST_STATE_BYTES
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        yield "database's", Path(url.database).parent, LEAST_STATE_BYTES


@dataclass(slots=True)
class Walls:
    """Builds the walls of a sandbox now and then, to notice a kernel or a policy that forbids them."""

    settings: DoctorSettings
    clock: Clock
    _tried_at: float = -WALLS_EVERY_S
    _verdict: str | None = None
    _trying: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self) -> str | None:
        async with self._trying:
            if self.clock.monotonic() - self._tried_at >= WALLS_EVERY_S:
                result = await asyncio.to_thread(bubblewrap.check, self.settings)
                ok = result.ok is not False
                self._verdict = None if ok else "bubblewrap cannot build a sandbox here; `cloche doctor` tells more"
                # What is wrong may be mended any moment; what works is believed for a while.
                self._tried_at = self.clock.monotonic() if ok else -WALLS_EVERY_S
            return self._verdict


@dataclass(slots=True)
class Starts:
    """Judges by what the metrics count: a browser that hangs or crashes is seen by no other probe."""

    metrics: Metrics
    clock: Clock
    _created: float = 0
    _failed_before: float = 0
    _failed: float = 0
    _failed_at: float = 0

    async def check(self) -> str | None:
        now, created = self.clock.monotonic(), _total(self.metrics.sessions_created)
        failed = _total(self.metrics.starts_failed)
        if failed > self._failed:
            self._failed, self._failed_at = failed, now
        if created > self._created or now - self._failed_at > FAILURES_COUNT_FOR_S:
            self._created, self._failed_before = created, failed
        if failed - self._failed_before >= FAILURES_IN_A_ROW:
            return "the last sessions did not start; their events and the log say why"
        return None


def _total(counter: Counter) -> float:
    """The sum over all labels."""
    return sum(
        sample.value for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")
    )
