"""Beyond loopback a key is needed; on loopback one makes itself."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor import keys
from cloche.daemon.doctor.check import DoctorSettings


def make_database(path: Path, live: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table keys (id text, revoked_at text)")
    connection.executemany("insert into keys values (?, null)", [(str(number),) for number in range(live)])
    connection.execute("insert into keys values ('old', '2026-01-01')")
    connection.commit()
    connection.close()


def test_beyond_loopback_a_key_is_needed(settings: DoctorSettings, tmp_path: Path) -> None:
    beyond = replace(settings, http_bind="0.0.0.0:8090")
    assert keys.check(beyond).ok is False
    make_database(tmp_path / "cloche.db", live=0)
    assert keys.check(beyond).ok is False
    assert keys.check(replace(settings, http_bind="0.0.0.0:8090", has_admin_key=True)).ok is True


def test_keys_in_the_database_count_unless_revoked(settings: DoctorSettings, tmp_path: Path) -> None:
    make_database(tmp_path / "cloche.db", live=2)
    assert "2 in the database" in keys.check(replace(settings, http_bind="[::]:8090")).found


@pytest.mark.parametrize("bind", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.8.8.8:1"])
def test_on_loopback_a_key_makes_itself(settings: DoctorSettings, bind: str) -> None:
    assert keys.check(replace(settings, http_bind=bind)).ok is True


def test_grpc_beyond_loopback_wants_a_key_too(settings: DoctorSettings) -> None:
    assert keys.check(replace(settings, grpc_bind="0.0.0.0:8091")).ok is False
    assert keys.check(replace(settings, grpc_bind="127.0.0.1:8091")).ok is True
