import asyncio

import pytest
from structlog.testing import capture_logs

from cloche.process.pressure import HostReadings
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Thresholds
from cloche.sessions.pressure.keeper import looked_after
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Reliefs
from cloche.testing.clock import FakeClock


async def test_it_looks_for_as_long_as_it_runs_also_after_a_look_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.sessions.pressure.keeper.LOOK_EVERY_S", 0.0)
    reads: list[int] = []

    def read() -> HostReadings:
        reads.append(1)
        if len(reads) == 1:
            raise RuntimeError("unforeseen")
        return HostReadings(memory_total=1 << 40, memory_available=0)

    clock = FakeClock()
    pressure = MachinePressure(Gauge(read, clock), Thresholds(), Reliefs((), clock))
    with capture_logs() as logs:
        async with looked_after(pressure), asyncio.timeout(5):
            while not pressure.is_short:
                await asyncio.sleep(0)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"][-1] == "pressure_not_kept"
    seen = len(reads)
    clock.advance(60)
    await asyncio.sleep(0)
    assert len(reads) == seen == 2
