"""A database that does not open or is not whole is told; nothing is made."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from cloche.daemon.doctor import database
from cloche.daemon.doctor.check import DoctorSettings


def make_database(path: Path, live: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table keys (id text, revoked_at text)")
    connection.executemany("insert into keys values (?, null)", [(str(number),) for number in range(live)])
    connection.execute("insert into keys values ('old', '2026-01-01')")
    connection.commit()
    connection.close()


def test_a_whole_database_is_fine_and_a_broken_one_is_told(settings: DoctorSettings, tmp_path: Path) -> None:
    path = tmp_path / "cloche.db"
    assert "first start" in database.check(settings).found
    make_database(path, live=1)
    assert database.check(settings).ok is True
    path.write_bytes(b"this is no database" * 100)
    assert database.check(settings).ok is False


def test_a_database_url_that_cannot_be_read_is_told(settings: DoctorSettings) -> None:
    odd = replace(settings, database_url="not a url")
    assert database.check(odd).ok is False


def test_a_database_server_that_is_not_there_is_told(settings: DoctorSettings) -> None:
    away = replace(settings, database_url="postgresql://cloche@127.0.0.1:1/cloche")
    result = database.check(away)
    assert result.ok is False
    assert "127.0.0.1:1/cloche" in result.found
