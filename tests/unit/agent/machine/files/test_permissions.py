import grp
import os
import pwd
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.files.permissions import parse_mode
from cloche.agent.machine.problem import Problem

from .conftest import Session


@given(st.text(alphabet="0123456789abcdefoO-+ _٦", max_size=6) | st.integers(0, 0o20000).map("{:o}".format))
def test_a_mode_is_octal_and_grants_no_more_than_reading_writing_and_running(text: str) -> None:
    is_one = 1 <= len(text) <= 4 and set(text) <= set("01234567") and int(text, 8) <= 0o777
    try:
        assert f"{parse_mode(text):o}" == text.lstrip("0") or set(text) == {"0"}
        assert is_one
    except Problem as problem:
        assert not is_one
        assert (problem.status, problem.fields["field"]) == (400, "mode")


def mode_of(session: Session, name: str) -> int:
    return stat.S_IMODE((session.workspace / name).lstat().st_mode)


def test_a_mode_is_set_on_files_directories_and_what_cannot_be_opened(session: Session) -> None:
    session.write(b"file", mode=b"0")
    (session.workspace / "directory").mkdir()
    os.mkfifo(session.workspace / "fifo")
    for name in ("file", "directory", "fifo"):
        assert session.put("set_file_permissions", path=name.encode(), mode="641").status == 200
        assert mode_of(session, name) == 0o641


def test_a_link_is_refused_and_what_it_points_to_keeps_its_mode(session: Session) -> None:
    session.write(b"file", mode=b"600")
    (session.workspace / "link").symlink_to("file")
    reply = session.put("set_file_permissions", path=b"link", mode="777")
    assert (reply.status, reply.code) == (400, "is_a_link")
    assert mode_of(session, "file") == 0o600


def test_what_lies_behind_a_link_on_the_way_is_reached_beneath_the_root_only(session: Session) -> None:
    session.write(b"d/file")
    (session.workspace / "in").symlink_to("d")
    (session.workspace / "out").symlink_to("..")
    assert session.put("set_file_permissions", path=b"in/file", mode="600").status == 200
    assert mode_of(session, "d/file") == 0o600
    assert session.put("set_file_permissions", path=b"out/canary", mode="600").code == "leaves_root"


def test_the_own_user_and_group_can_be_given_by_name_and_by_number(session: Session) -> None:
    session.write(b"file")
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    for owner, own_group in ((user, group), (str(os.geteuid()), str(os.getegid())), (user, None)):
        fields = {"owner": owner} | ({"group": own_group} if own_group else {})
        assert session.put("set_file_permissions", path=b"file", **fields).status == 200
    status = (session.workspace / "file").stat()
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())


@pytest.mark.parametrize("field", ["owner", "group"])
@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        ("54321", 403, "not_permitted"),
        ("nobody-has-this-name", 400, "no_such_user"),
        ("9999999999", 400, "no_such_user"),
        ("4294967295", 400, "no_such_user"),
        ("-1", 400, "no_such_user"),
        ("\ud800", 400, "invalid_request"),
        ("0:0", 400, "no_such_user"),
        ("n" * 65, 400, "invalid_request"),
        (7, 400, "invalid_request"),
    ],
)
def test_nobody_elses_can_and_then_the_mode_stays_too(
    session: Session, field: str, value: object, status: int, code: str
) -> None:
    session.write(b"file", mode=b"600")
    reply = session.put("set_file_permissions", path=b"file", mode="644", **{field: value})
    assert (reply.status, reply.code) == (status, code)
    assert mode_of(session, "file") == 0o600


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        (b"missing", {"mode": "644"}, 404, "not_found"),
        (b"file/below", {"mode": "644"}, 400, "not_a_directory"),
        (b"/workspace", {"mode": "0"}, 400, "is_root"),
        (b"d/..", {"mode": "0"}, 400, "is_root"),
        (b"file", {}, 400, "invalid_request"),
        (b"file", {"mode": "1777"}, 400, "invalid_request"),
        (b"file", {"mode": 420}, 400, "invalid_request"),
        (b"/etc/passwd", {"mode": "644"}, 400, "not_in_session"),
        (b"../canary", {"mode": "644"}, 400, "leaves_root"),
    ],
)
def test_what_cannot_be_set_is_refused(
    session: Session, path: bytes, fields: dict[str, object], status: int, code: str
) -> None:
    session.write(b"file")
    session.write(b"d/file")
    before = session.workspace.stat().st_mode
    reply = session.put("set_file_permissions", path=path, **fields)
    assert (reply.status, reply.code) == (status, code)
    assert session.workspace.stat().st_mode == before
