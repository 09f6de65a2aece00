import os
from typing import Any

import pytest

from cloche.agent import streams
from cloche.testing.agent_http import b64, encode

from .conftest import Client, Session

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("create_directory", {"path": b"/profile/new"}),
    ("delete_file", {"path": b"/profile/file"}),
    ("delete_directory", {"path": b"/profile/directory"}),
    ("move", {"src": b"/profile/file", "dest": b"moved"}),
    ("move", {"src": b"mine", "dest": b"/profile/moved"}),
    ("set_file_permissions", {"path": b"/profile/file", "mode": "600"}),
]


@pytest.fixture
def filled(session: Session) -> Session:
    session.write(b"mine", b"x")
    session.write(b"/profile/file", b"x")
    session.write(b"/profile/directory/file", b"x")
    return session


def everything(session: Session) -> list[tuple[str, int]]:
    paths = [*session.workspace.rglob("*"), *session.profile.rglob("*")]
    return sorted((str(path), path.lstat().st_mode) for path in paths)


@pytest.mark.parametrize(("name", "fields"), WRITES)
def test_the_profile_is_changed_only_while_no_browser_lives(filled: Session, name: str, fields: dict[str, Any]) -> None:
    before = everything(filled)
    filled.browser.is_alive = True
    reply = filled.put(name, **fields)
    assert (reply.status, reply.code) == (409, "browser_running")
    assert everything(filled) == before
    filled.browser.is_alive = False
    assert filled.put(name, **fields).status in (200, 201)
    assert everything(filled) != before


def test_a_file_of_the_profile_is_not_written_while_a_browser_lives(session: Session) -> None:
    session.browser.is_alive = True
    assert session.write(b"/profile/a/b", b"x").code == "browser_running"
    assert os.listdir(session.profile) == []
    assert session.write(b"a", b"x").status == 201


def test_a_browser_that_starts_while_the_body_comes_keeps_its_profile(session: Session) -> None:
    session.write(b"/profile/file", b"old")

    async def scenario(client: Client) -> None:
        connection = client.connect()
        request = encode("PUT", "/fs/write_file", b"new", query={"path": b"/profile/file"})
        await streams.send_all(client.loop, connection, request[:-1])
        while len(os.listdir(session.profile)) == 1:
            await client.loop.sleep(0)
        session.browser.is_alive = True
        await streams.send_all(client.loop, connection, request[-1:])
        answer = await streams.receive(client.loop, connection, 1 << 16)
        assert b"409" in answer.split(b"\r\n")[0]

    session.run(scenario)
    assert (session.profile / "file").read_text() == "old"


def test_a_browser_that_starts_while_a_directory_is_deleted_keeps_the_rest_of_its_profile(session: Session) -> None:
    directory = session.profile / "directory"
    directory.mkdir()
    for number in range(1500):
        (directory / str(number)).touch()

    async def scenario(client: Client) -> None:
        replies = []

        async def ask() -> None:
            json_ = {"path_b64": b64(b"/profile/directory")}
            replies.append(await client.ask("PUT", "/fs/delete_directory", json_=json_))

        asking = client.loop.spawn(ask(), "delete")
        while len(os.listdir(directory)) == 1500:
            await client.loop.sleep(0)
        session.browser.is_alive = True
        await asking.done.wait()
        assert (replies[0].status, replies[0].code) == (409, "browser_running")

    session.run(scenario)
    assert os.listdir(directory)


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(session: Session) -> None:
    async def scenario(client: Client) -> None:
        connection = client.connect()
        request = encode("PUT", "/fs/write_file", b"half", query={"path": b"file"}, announced=1000)
        await streams.send_all(client.loop, connection, request)
        while not os.listdir(session.workspace):
            await client.loop.sleep(0)
        connection.close()
        while os.listdir(session.workspace):
            await client.loop.sleep(0)

    session.run(scenario)


def test_an_agent_that_ends_in_the_middle_of_a_body_leaves_nothing(session: Session) -> None:
    async def scenario(client: Client) -> None:
        request = encode("PUT", "/fs/write_file", b"half", query={"path": b"file"}, announced=1000)
        await streams.send_all(client.loop, client.connect(), request)
        while not os.listdir(session.workspace):
            await client.loop.sleep(0)

    session.run(scenario)
    assert session.names() == []


def test_a_path_of_four_kilobytes_is_taken_and_a_longer_one_refused(session: Session) -> None:
    path = b"./" * 2048
    assert len(path) == 4096
    assert session.once("GET", "/fs/list_files", path=path).status == 200
    assert session.once("GET", "/fs/list_files", path=path + b".").code == "name_too_long"
    assert session.put("create_directory", path=path[:-1] + b"d").status == 201
    assert session.put("create_directory", path=path + b"d").status == 400


def test_a_session_without_a_browser_has_no_profile(session: Session) -> None:
    for path in (b"/profile", b"/profile/a"):
        assert session.once("GET", "/fs/file_info", path=path).status in (200, 404)
    session.has_browser = False
    for path in (b"/profile", b"/profile/a"):
        assert session.once("GET", "/fs/file_info", path=path).code == "not_in_session"


def test_another_method_is_refused_with_those_that_there_are(session: Session) -> None:
    reply = session.once("POST", "/fs/read_file", path=b"a")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert session.once("GET", f"/fs/watch/{b64(b'x')}").status == 405
