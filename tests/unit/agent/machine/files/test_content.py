import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent import streams
from cloche.agent.machine.exchange import PIECE_BYTES
from cloche.testing.agent_http import encode
from cloche.testing.tmpfs import filled, tmpfs, without_inodes

from .conftest import Client, Session

CONTENT = bytes(range(256)) * 5


def test_a_file_comes_back_as_it_was_written_with_its_size_and_time(session: Session) -> None:
    assert session.write(b"a", CONTENT).status == 201
    os.utime(session.workspace / "a", ns=(0, 1_700_000_000_123_456_789))
    reply = session.read(b"a")
    assert (reply.status, reply.body, reply.is_whole) == (200, CONTENT, True)
    assert reply.fields["content-type"] == "application/octet-stream"
    assert reply.fields["cloche-size"] == str(len(CONTENT))
    assert reply.fields["cloche-modified"] == "1700000000.123456789"


@pytest.mark.parametrize("path", [b"a/b", b"/workspace/a/b", b"/workspace//a/./b", b"a/../a/b"])
def test_a_path_is_relative_to_the_workspace_or_names_it(session: Session, path: bytes) -> None:
    session.write(b"a/b", b"in it")
    assert session.read(path).body == b"in it"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 30), offset=st.integers(0, 40), length=st.none() | st.integers(0, 40))
def test_a_range_is_what_a_slice_would_be(session: Session, size: int, offset: int, length: int | None) -> None:
    (session.workspace / "a").write_bytes(CONTENT[:size])
    query = {"offset": b"%d" % offset} | ({} if length is None else {"length": b"%d" % length})
    reply = session.read(b"a", **query)
    if offset and offset >= size:
        assert (reply.status, reply.code, reply.json["size"]) == (416, "range_not_satisfiable", size)
    else:
        wanted = CONTENT[:size][offset:][:length]
        assert (reply.status, reply.body, reply.fields["cloche-size"]) == (200, wanted, str(size))


@pytest.mark.parametrize("query", [{"offset": b"-1"}, {"offset": b"x"}, {"length": b"1e3"}, {"offset": b"9" * 30}])
def test_a_range_that_is_no_number_is_refused(session: Session, query: dict[str, bytes]) -> None:
    session.write(b"a", CONTENT)
    assert session.read(b"a", **query).status == 400


def test_what_is_no_regular_file_is_not_read_and_nothing_waits_for_it(session: Session) -> None:
    os.mkfifo(session.workspace / "fifo")
    (session.workspace / "directory").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(session.workspace)  # the path of a socket is short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        codes = {name: session.read(name.encode()).code for name in ("fifo", "socket", "directory")}
    assert codes == {"fifo": "not_a_file", "socket": "not_a_file", "directory": "is_a_directory"}


def test_a_fifo_is_not_opened_for_that_would_have_an_effect(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(session.workspace / "fifo")
    opened, real_open = [], os.open

    def seen(path: object, flags: int, *args: int, **kwargs: int) -> int:
        if path == b"fifo":
            opened.append(flags & os.O_PATH)
        return real_open(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", seen)
    assert session.read(b"fifo").code == "not_a_file"
    assert opened == [os.O_PATH]


def test_a_device_is_not_read(session: Session) -> None:
    try:
        os.mknod(session.workspace / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices can be made here: doctor says which privilege is missing")
    assert session.read(b"zero").code in ("not_a_file", "not_permitted")


def test_links_are_followed_beneath_the_root_and_not_out_of_it(session: Session, tmp_path: Path) -> None:
    session.write(b"a/file", b"in it")
    for name, target in {
        "inside": "a/file",
        "absolute": str(tmp_path / "canary"),
        "within": str(session.workspace / "a/file"),
        "out": "../canary",
        "loop": "loop",
        "magic": "/proc/self/root/etc/passwd",
    }.items():
        (session.workspace / name).symlink_to(target)
    assert session.read(b"inside").body == b"in it"
    for name in (b"absolute", b"within", b"out", b"magic"):
        assert session.read(name).code == "leaves_root"
    assert session.read(b"loop").code == "too_many_links"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"missing", 404, "not_found"),
        (b"missing/below", 404, "not_found"),
        (b"file/below", 400, "not_a_directory"),
        (b"", 400, "invalid_request"),
        (b"a\0b", 400, "invalid_request"),
        (b"/etc/passwd", 400, "not_in_session"),
        (b"../canary", 400, "leaves_root"),
        (b"n" * 256, 400, "name_too_long"),
        (b"n/" * 2100, 400, "name_too_long"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_alike_for_reading_and_listing(
    session: Session, path: bytes, status: int, code: str
) -> None:
    session.write(b"file")
    for route in ("read_file", "list_files", "file_info"):
        reply = session.once("GET", f"/fs/{route}", path=path)
        assert (reply.status, reply.code) == (status, code)


def test_a_request_without_a_path_is_refused(session: Session) -> None:
    for method, route in (("GET", "read_file"), ("PUT", "write_file"), ("GET", "list_files"), ("GET", "file_info")):
        assert session.once(method, f"/fs/{route}").json["field"] == "path"


def test_a_file_that_shrinks_breaks_the_answer_off_and_one_that_grows_is_cut(session: Session) -> None:
    file = session.workspace / "a"

    async def scenario(client: Client) -> None:
        for change, is_whole in ((lambda: os.truncate(file, 10), False), (lambda: os.truncate(file, 1 << 24), True)):
            file.write_bytes(bytes(8 * PIECE_BYTES))
            connection = client.connect()
            await streams.send_all(client.loop, connection, encode("GET", "/fs/read_file", query={"path": b"a"}))
            received = await streams.receive(client.loop, connection, 1 << 16)
            change()
            try:
                while data := await streams.receive(client.loop, connection, 1 << 20):
                    received += data
            except ConnectionError:
                assert not is_whole
            head, _, body = received.partition(b"\r\n\r\n")
            assert b"Content-Length: %d" % (8 * PIECE_BYTES) in head
            assert (len(body) == 8 * PIECE_BYTES) is is_whole

    session.run(scenario)


def test_a_large_body_is_written_whole_while_others_are_answered(session: Session) -> None:
    body = os.urandom(1 << 16) * 64

    async def scenario(client: Client) -> None:
        seen: list[int] = []

        async def ask_meanwhile() -> None:
            while not (session.workspace / "large").exists():
                seen.append((await client.ask("GET", "/fs/list_files", path=b"/workspace")).status)

        meanwhile = client.loop.spawn(ask_meanwhile(), "meanwhile")
        assert (await client.ask("PUT", "/fs/write_file", path=b"large", body=body)).status == 201
        await meanwhile.done.wait()
        assert set(seen) == {200}

    session.run(scenario)
    assert (session.workspace / "large").read_bytes() == body


@pytest.mark.parametrize(("mode", "becomes"), [(None, 0o644), (b"600", 0o600), (b"0755", 0o755), (b"0", 0)])
def test_a_mode_is_set_as_it_is_whatever_the_umask(session: Session, mode: bytes | None, becomes: int) -> None:
    before = os.umask(0o077)
    try:
        session.write(b"a", **({} if mode is None else {"mode": mode}))
    finally:
        os.umask(before)
    assert stat.S_IMODE((session.workspace / "a").stat().st_mode) == becomes


@pytest.mark.parametrize("mode", [b"", b"8", b"1000", b"4755", b"7777", b"rw", b"-1", b"00644", b"\xd9\xa6"])
def test_a_mode_that_is_none_is_refused(session: Session, mode: bytes) -> None:
    assert session.write(b"a", mode=mode).json["field"] == "mode"
    assert session.names() == []


def test_directories_on_the_way_are_made(session: Session) -> None:
    assert session.write(b"a/b/c", b"x").status == 201
    assert session.names() == ["a", "a/b", "a/b/c"]


def test_a_file_is_replaced_and_a_link_too_but_not_what_it_points_to(session: Session, tmp_path: Path) -> None:
    session.write(b"a", b"old")
    (session.workspace / "link").symlink_to("a")
    (session.workspace / "out").symlink_to(tmp_path / "canary")
    for path in (b"link", b"out"):
        assert session.write(path, b"new").status == 201
        assert not (session.workspace / os.fsdecode(path)).is_symlink()
    assert session.write(b"a", b"newer").status == 201
    assert [(session.workspace / name).read_text() for name in ("a", "link", "out")] == ["newer", "new", "new"]


def test_whoever_has_a_replaced_file_open_goes_on_reading_the_old_one(session: Session) -> None:
    session.write(b"a", b"old")
    with (session.workspace / "a").open() as file:
        session.write(b"a", b"new")
        assert file.read() == "old"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"directory", 400, "is_a_directory"),
        (b"/workspace", 400, "is_root"),
        (b".", 400, "is_root"),
        (b"/profile", 400, "is_root"),
        (b"directory/..", 400, "invalid_request"),
        (b"file/below", 400, "not_a_directory"),
        (b"../canary", 400, "leaves_root"),
        (b"out/canary", 400, "leaves_root"),
        (b"up/canary", 400, "leaves_root"),
        (b"/etc/passwd", 400, "not_in_session"),
        (b"n" * 256, 400, "name_too_long"),
        (b"", 400, "invalid_request"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    session: Session, tmp_path: Path, path: bytes, status: int, code: str
) -> None:
    (session.workspace / "directory").mkdir()
    (session.workspace / "file").touch()
    (session.workspace / "out").symlink_to(tmp_path)
    (session.workspace / "up").symlink_to("..")
    before = session.names()
    reply = session.write(path, b"x")
    assert (reply.status, reply.code) == (status, code)
    assert session.names() == before


def test_a_file_that_must_not_exist_is_created_once(session: Session) -> None:
    assert session.write(b"a", b"first", create_only=b"true").status == 201
    (session.workspace / "nowhere").symlink_to("missing")
    (session.workspace / "directory").mkdir()
    for path in (b"a", b"nowhere", b"directory"):
        reply = session.write(path, b"second", create_only=b"true")
        assert (reply.status, reply.code) == (409, "exists")
    assert (session.workspace / "a").read_text() == "first"
    assert (session.workspace / "a").stat().st_nlink == 1
    assert session.names() == ["a", "directory", "nowhere"]


def test_of_many_who_create_the_same_file_one_does(session: Session) -> None:
    async def scenario(client: Client) -> None:
        statuses: list[int] = []

        async def create(number: int) -> None:
            body = b"%d" % number * 100_000
            reply = await client.ask("PUT", "/fs/write_file", path=b"a", body=body, create_only=b"true")
            statuses.append(reply.status)

        for task in [client.loop.spawn(create(number), "creator") for number in range(8)]:
            await task.done.wait()
        assert sorted(statuses) == [201] + [409] * 7

    session.run(scenario)
    assert len(set((session.workspace / "a").read_bytes())) == 1


def test_a_body_that_breaks_off_leaves_what_was_there(session: Session) -> None:
    session.write(b"a", b"old")
    reply = session.write(b"a", b"new" * 1000, announced=1 << 20)
    assert reply.status >= 400
    assert (session.workspace / "a").read_text() == "old"
    assert session.names() == ["a"]


@pytest.mark.parametrize("create_only", [b"true", b"false"])
def test_a_full_workspace_takes_nothing_and_keeps_what_was_there(create_only: bytes, tmp_path: Path) -> None:
    with tmpfs("size=256k,nr_inodes=40") as disk:
        session = Session(disk / "workspace", tmp_path / "profile")
        session.workspace.mkdir()
        session.write(b"a", b"old")
        path = b"a" if create_only == b"false" else b"b"
        reply = session.write(path, bytes(1 << 20), create_only=create_only)
        assert (reply.status, reply.code) == (507, "storage_full")
        with filled(disk):
            assert session.write(path, b"x", create_only=create_only).code == "storage_full"
        with without_inodes(disk):
            assert session.write(path, b"x", create_only=create_only).code == "storage_full"
            assert session.put("create_directory", path=b"d").code == "storage_full"
        assert session.names() == ["a"]
        assert (session.workspace / "a").read_text() == "old"
        assert session.write(path, b"new", create_only=create_only).status == 201


@pytest.mark.parametrize(
    "name", [b"two\nlines", b"\xff\xfe", b"n" * 255, b"%2F&?=#", b" ", b"-rf", b"\x1b[31m", "日本".encode()]
)
def test_any_name_the_kernel_takes_can_be_written_read_and_removed(session: Session, name: bytes) -> None:
    assert session.write(b"d/" + name, name).status == 201
    assert session.read(b"d/" + name).body == name
    assert os.listdir(os.fsencode(session.workspace / "d")) == [name]
    assert session.put("delete_file", path=b"d/" + name).status == 200
    assert session.names() == ["d"]
