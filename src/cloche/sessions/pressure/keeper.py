"""Looks at the machine by itself, and has something given up before the kernel has to choose whom to kill.

Creates look too, and more closely; but what fills a machine after the last create is those that live.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.pressure.machine import MachinePressure

LOOK_EVERY_S: Final = 2.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def looked_after(pressure: MachinePressure) -> AsyncGenerator[None]:
    """Look now and then for as long as the block lasts."""
    task = spawn(_keep(pressure), name="pressure-keeper")
    try:
        yield
    finally:
        await cancel_and_wait(task)


async def _keep(pressure: MachinePressure) -> None:
    while True:
        try:
            await pressure.look()
        except Exception:  # noqa: BLE001 - one turn of a loop: the next one looks again
            _log.exception("pressure_not_kept")
        await asyncio.sleep(LOOK_EVERY_S)
