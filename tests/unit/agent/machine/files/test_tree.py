import os
import stat

import pytest

from .conftest import Session

OUTSIDE = [
    (b"/workspace", 400, "is_root"),
    (b"/profile", 400, "is_root"),
    (b"file/below", 400, "not_a_directory"),
    (b"../canary", 400, "leaves_root"),
    (b"up/canary", 400, "leaves_root"),
    (b"etc/passwd", 400, "leaves_root"),
    (b"/etc/passwd", 400, "not_in_session"),
    (b"directory/..", 400, "invalid_request"),
    (b"n" * 256, 400, "name_too_long"),
    (b"", 400, "invalid_request"),
]
MISSING = [(b"missing", 404, "not_found"), (b"missing/below", 404, "not_found")]


@pytest.fixture
def filled(session: Session) -> Session:
    session.write(b"file", b"x")
    session.write(b"directory/inner/file", b"x")
    (session.workspace / "empty").mkdir()
    (session.workspace / "link").symlink_to("directory")
    (session.workspace / "broken").symlink_to("nowhere")
    (session.workspace / "up").symlink_to("..")
    (session.workspace / "etc").symlink_to("/etc")
    return session


def refused(session: Session, name: str, status: int, code: str, **fields: object) -> None:
    before = session.names()
    reply = session.put(name, **fields)
    assert (reply.status, reply.code) == (status, code)
    assert session.names() == before


# --- create_directory -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "becomes"), [(None, 0o755), ("700", 0o700), ("0333", 0o333)])
def test_a_directory_is_made_with_those_above_it_and_with_its_mode(
    session: Session, mode: str | None, becomes: int
) -> None:
    assert session.put("create_directory", path=b"a/b/c", **({} if mode is None else {"mode": mode})).status == 201
    assert session.names() == ["a", "a/b", "a/b/c"]
    assert stat.S_IMODE((session.workspace / "a/b/c").stat().st_mode) == becomes


@pytest.mark.parametrize("path", [b"directory", b"directory/inner", b"link", b"link/inner", b"/workspace", b"/profile"])
def test_a_directory_that_is_there_stays_as_it_is(filled: Session, path: bytes) -> None:
    before = filled.names(), (filled.workspace / "directory").stat().st_mode
    assert filled.put("create_directory", path=path, mode="700").status == 200
    assert (filled.names(), (filled.workspace / "directory").stat().st_mode) == before


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [(b"file", 409, "exists"), (b"broken", 409, "exists"), *[row for row in OUTSIDE if row[2] != "is_root"]],
)
def test_a_directory_that_cannot_be_made_is_not(filled: Session, path: bytes, status: int, code: str) -> None:
    refused(filled, "create_directory", status, code, path=path)


@pytest.mark.parametrize("mode", ["1777", "888", "", 755])
def test_a_directory_with_a_wrong_mode_is_not_made(session: Session, mode: object) -> None:
    refused(session, "create_directory", 400, "invalid_request", path=b"a", mode=mode)


# --- delete_file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"file", b"link", b"broken", b"etc", b"link/inner/file"])
def test_a_file_or_a_link_itself_is_deleted(filled: Session, path: bytes) -> None:
    gone = "directory/inner/file" if path == b"link/inner/file" else os.fsdecode(path)
    before = filled.names()
    assert filled.put("delete_file", path=path).status == 200
    assert set(before) - set(filled.names()) == {gone}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [(b"directory", 400, "is_a_directory"), (b"empty", 400, "is_a_directory"), *MISSING, *OUTSIDE],
)
def test_what_is_no_file_of_the_session_is_not_deleted(filled: Session, path: bytes, status: int, code: str) -> None:
    refused(filled, "delete_file", status, code, path=path)


# --- delete_directory -------------------------------------------------------------------------------------------------


def test_a_directory_is_deleted_with_all_in_it_and_links_in_it_are_not_followed(filled: Session) -> None:
    (filled.workspace / "directory/to_root").symlink_to("../..")
    (filled.workspace / "directory/to_empty").symlink_to("../empty")
    os.mkfifo(filled.workspace / "directory/fifo")
    assert filled.put("delete_directory", path=b"directory").status == 200
    assert filled.names() == ["broken", "empty", "etc", "file", "link", "up"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [(b"file", 400, "not_a_directory"), (b"link", 400, "not_a_directory"), *MISSING, *OUTSIDE],
)
def test_what_is_no_directory_of_the_session_is_not_deleted(
    filled: Session, path: bytes, status: int, code: str
) -> None:
    refused(filled, "delete_directory", status, code, path=path)


# --- move -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        (b"file", b"directory/moved"),
        (b"directory", b"moved"),
        (b"directory", b"empty"),
        (b"link", b"moved"),
        (b"broken", b"file"),
        (b"file", b"link"),
        (b"file", b"link/moved"),
        (b"directory", b"/profile/Default"),
    ],
)
def test_things_are_moved_as_a_rename_does_and_links_themselves(
    filled: Session, source: bytes, destination: bytes
) -> None:
    def look(path: bytes) -> os.stat_result:
        at = (
            filled.profile.parent / os.fsdecode(path[1:])
            if path.startswith(b"/")
            else filled.workspace / os.fsdecode(path)
        )
        return at.lstat()

    before = look(source)
    assert filled.put("move", src=source, dest=destination).status == 200
    assert look(destination).st_ino == before.st_ino
    assert os.fsdecode(source) not in filled.names()


@pytest.mark.parametrize(
    ("source", "destination", "status", "code"),
    [
        (b"file", b"directory", 400, "is_a_directory"),
        (b"directory", b"file", 400, "not_a_directory"),
        (b"empty", b"directory", 409, "not_empty"),
        (b"directory", b"directory/inner/it", 400, "invalid_request"),
        (b"file", b"missing/it", 404, "not_found"),
        *[(path, b"moved", status, code) for path, status, code in (*MISSING, *OUTSIDE)],
        *[(b"file", path, status, code) for path, status, code in OUTSIDE if path != b"file/below"],
        (b"directory", b"file/below", 400, "not_a_directory"),
    ],
)
def test_what_cannot_be_moved_stays(filled: Session, source: bytes, destination: bytes, status: int, code: str) -> None:
    refused(filled, "move", status, code, src=source, dest=destination)


# --- bodies that are none ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["create_directory", "delete_file", "delete_directory", "set_file_permissions"])
@pytest.mark.parametrize(
    "body", [{}, {"path_b64": "?"}, {"path_b64": 7}, {"path_b64": None}, {"path_b64": "YQ="}, {"path_b64": "A" * 6000}]
)
def test_a_body_without_a_path_is_refused(session: Session, route: str, body: dict[str, object]) -> None:
    reply = session.once("PUT", f"/fs/{route}", json_=body)
    assert (reply.status, reply.json["field"]) == (400, "path_b64")


def test_a_body_that_is_no_object_is_refused(session: Session) -> None:
    for route in ("create_directory", "delete_file", "delete_directory", "move", "set_file_permissions"):
        for body in (b"[]", b"{", b"\xff", b"[" * 100_000):
            assert session.once("PUT", f"/fs/{route}", body=body).status == 400
    assert session.once("PUT", "/fs/move", json_={"src_b64": "YQ=="}).json["field"] == "dest_b64"
