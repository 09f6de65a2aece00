"""What a daemon of this machine left behind."""

from pathlib import Path

import pytest

from cloche.cli.local import first_admin_key, running_daemon


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"http":1}', "null"])
def test_a_record_that_is_none_names_no_daemon(tmp_path: Path, text: str) -> None:
    assert running_daemon(tmp_path) is None
    (tmp_path / "daemon.json").write_text(text)
    assert running_daemon(tmp_path) is None


def test_a_record_names_where_the_daemon_listens(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text('{"http":"127.0.0.1:4711","pid":1}')
    assert running_daemon(tmp_path) == "http://127.0.0.1:4711"


def test_the_first_key_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert first_admin_key(tmp_path) is None
    (tmp_path / "admin.key").write_text("ck_x\n")
    assert first_admin_key(tmp_path) == "ck_x"
