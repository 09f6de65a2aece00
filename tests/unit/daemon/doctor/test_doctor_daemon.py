"""Checks of what the daemon is set to: directories, port, keys, database."""

import json
import socket
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor import database, directories, keys, port
from cloche.daemon.doctor.check import DoctorSettings


@pytest.fixture
def settings(tmp_path: Path) -> DoctorSettings:
    return DoctorSettings(
        state_dir=tmp_path,
        run_dir=Path("/run/cloche-doctor-test"),
        http_bind="127.0.0.1:0",
        database_url=f"sqlite:///{tmp_path}/cloche.db",
        chromium_shell=Path("/nonexistent"),
    )


def make_database(path: Path, live: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table keys (id text, revoked_at text)")
    connection.executemany("insert into keys values (?, null)", [(str(number),) for number in range(live)])
    connection.execute("insert into keys values ('old', '2026-01-01')")
    connection.commit()
    connection.close()


def test_a_directory_that_is_not_made_yet_is_judged_by_where_it_will_be(tmp_path: Path) -> None:
    assert directories.nearest_existing(tmp_path / "a/b") == tmp_path


def test_a_full_disk_is_a_warning(tmp_path: Path) -> None:
    result = directories.judge("state_dir", "meaning", Path("/run"), least_free_bytes=1 << 60)
    assert result.ok is None
    assert "make room" in result.mend


def test_a_directory_that_sessions_users_may_not_pass_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    closed.chmod(0o700)
    assert directories.first_closed(closed / ".") in (closed, *closed.parents)


def test_a_file_in_the_way_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert directories.judge("state_dir", "meaning", tmp_path / "file").ok is False


def test_a_run_directory_too_long_for_sockets_is_told(settings: DoctorSettings) -> None:
    long = replace(settings, run_dir=Path("/run/" + "x" * 100))
    assert directories.check_run(long).ok is False


def test_a_free_port_is_fine(settings: DoctorSettings) -> None:
    assert port.check(settings).ok is True


@pytest.mark.parametrize("bind", ["198.41.0.4:8090", "no-such-name.test:1"])
def test_an_address_that_is_not_ours_is_told(settings: DoctorSettings, bind: str) -> None:
    assert "cannot listen" in port.check(replace(settings, http_bind=bind)).found


def test_a_taken_port_is_told_unless_our_own_daemon_has_it(settings: DoctorSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        bind = f"127.0.0.1:{holder.getsockname()[1]}"
        assert port.check(replace(settings, http_bind=bind)).ok is False
        (settings.state_dir / "daemon.json").write_text(json.dumps({"http": bind}))
        assert port.check(replace(settings, http_bind=bind)).ok is True


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"http": 1}'])
def test_a_broken_daemon_record_is_no_daemon(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert port.listens_here(tmp_path) in (None, "1")


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
