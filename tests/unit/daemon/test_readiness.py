import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor.check import DoctorSettings
from cloche.daemon.readiness import FAILURES_COUNT_FOR_S, WALLS_EVERY_S, Starts, Walls, lack_of_room
from cloche.telemetry.metrics import Metrics
from cloche.testing.clock import FakeClock
from cloche.testing.tmpfs import filled, tmpfs, without_inodes


@pytest.fixture
def settings() -> Iterator[DoctorSettings]:
    root = Path(tempfile.mkdtemp(prefix="rd-"))
    # As root the doctor tries bubblewrap as a session's own user would, who must be able to walk to it.
    root.chmod(0o711)
    for name in ("run", "state", "database"):
        (root / name).mkdir()
    yield DoctorSettings(
        state_dir=root / "state",
        run_dir=root / "run",
        http_bind="127.0.0.1:0",
        database_url=f"sqlite:///{root}/database/cloche.db",
        chromium_shell=Path("/nonexistent"),
        bubblewrap=str(root / "bwrap"),
    )
    shutil.rmtree(root)


def pretend_bubblewrap(settings: DoctorSettings, exit_code: int) -> None:
    """One that tells its version, notes each attempt, and ends with `exit_code`."""
    program = Path(settings.bubblewrap)
    attempts = program.with_name("attempts")
    script = f'[ "$1" = --version ] && echo "bubblewrap 0.8.0" && exit; echo >> {attempts}; exit {exit_code}'
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    attempts.touch()
    attempts.chmod(0o666)


def attempts(settings: DoctorSettings) -> int:
    return Path(settings.bubblewrap).with_name("attempts").read_text().count("\n")


def test_there_is_room_where_there_is_room(settings: DoctorSettings) -> None:
    assert lack_of_room(settings) is None


@pytest.mark.parametrize(("name", "told"), [("run", "the run directory"), ("state", "the state directory")])
def test_a_directory_without_space_or_inodes_is_told_without_its_path(
    settings: DoctorSettings, name: str, told: str
) -> None:
    with tmpfs("size=4m,nr_inodes=100") as disk:
        small = replace(settings, run_dir=disk) if name == "run" else replace(settings, state_dir=disk)
        assert lack_of_room(small) is None
        with filled(disk):
            assert lack_of_room(small) == f"{told} is full"
        with without_inodes(disk, leave=3):
            assert lack_of_room(small) == f"{told} is full"
        assert lack_of_room(small) is None


def test_the_databases_own_directory_counts_too(settings: DoctorSettings) -> None:
    with tmpfs("size=4m") as disk:
        elsewhere = replace(settings, database_url=f"sqlite:///{disk}/cloche.db")
        with filled(disk):
            assert lack_of_room(elsewhere) == "the database's directory is full"
    assert lack_of_room(replace(settings, database_url="postgresql://db.test/cloche")) is None


async def test_walls_that_stand_are_believed_for_a_while(settings: DoctorSettings) -> None:
    clock = FakeClock()
    walls = Walls(settings, clock)
    pretend_bubblewrap(settings, 0)
    for _ in range(3):
        assert await walls.check() is None
    assert attempts(settings) == 1
    clock.advance(WALLS_EVERY_S)
    pretend_bubblewrap(settings, 1)
    assert "cannot build a sandbox" in str(await walls.check())


async def test_walls_that_do_not_stand_are_tried_again_at_once(settings: DoctorSettings) -> None:
    walls = Walls(settings, FakeClock())
    pretend_bubblewrap(settings, 1)
    assert await walls.check() is not None
    pretend_bubblewrap(settings, 0)
    assert await walls.check() is None


async def test_three_failed_starts_in_a_row_are_told_until_one_goes_well() -> None:
    metrics, clock = Metrics(), FakeClock()
    starts = Starts(metrics, clock)
    assert await starts.check() is None
    for reason in ("start_timeout", "crashed_at_start"):
        metrics.starts_failed.labels(reason).inc()
    assert await starts.check() is None
    metrics.starts_failed.labels("start_timeout").inc()
    assert "did not start" in str(await starts.check())
    metrics.sessions_created.inc()
    assert await starts.check() is None


async def test_failures_with_a_success_among_them_are_no_row() -> None:
    metrics, clock = Metrics(), FakeClock()
    starts = Starts(metrics, clock)
    for _ in range(5):
        metrics.starts_failed.labels("start_timeout").inc(2)
        metrics.sessions_created.inc()
        assert await starts.check() is None


async def test_readiness_is_given_back_after_a_minute_without_a_start() -> None:
    metrics, clock = Metrics(), FakeClock()
    starts = Starts(metrics, clock)
    metrics.starts_failed.labels("start_timeout").inc(3)
    assert await starts.check() is not None
    clock.advance(FAILURES_COUNT_FOR_S / 2)
    assert await starts.check() is not None
    clock.advance(FAILURES_COUNT_FOR_S)
    assert await starts.check() is None
    metrics.starts_failed.labels("start_timeout").inc()
    assert await starts.check() is None, "one failure more is a new count"
