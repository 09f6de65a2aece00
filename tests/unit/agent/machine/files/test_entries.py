import os
import stat
from datetime import UTC, datetime
from typing import Any

import pytest

from cloche.agent.machine.files import entries

from .conftest import Client, Session, b64


def info(session: Session, path: bytes, **query: bytes) -> Any:
    reply = session.once("GET", "/fs/file_info", path=path, **query)
    assert reply.status == 200
    return reply.json


def listing(session: Session, path: bytes) -> Any:
    reply = session.once("GET", "/fs/list_files", path=path)
    assert (reply.status, reply.is_whole) == (200, True)
    return reply.json


def test_a_file_is_described_by_all_that_ls_shows(session: Session) -> None:
    session.write(b"d/file", b"12345", mode=b"640")
    os.utime(session.workspace / "d/file", ns=(0, 1_700_000_000_500_000_000))
    assert info(session, b"d/file") == {
        "name": "file",
        "path": "/workspace/d/file",
        "size_bytes": 5,
        "is_dir": False,
        "is_link": False,
        "mod_time": "2023-11-14T22:13:20.500000Z",
        "mode": "-rw-r-----",
    }


def test_a_directory_has_no_size_and_a_root_the_name_it_goes_by(session: Session) -> None:
    for path, name in ((b"/workspace", "workspace"), (b".", "workspace"), (b"/profile/", "profile")):
        entry = info(session, path)
        assert (entry["name"], entry["path"], entry["size_bytes"], entry["is_dir"]) == (name, f"/{name}", 0, True)
        assert entry["mode"].startswith("d")


def test_a_link_is_described_itself_unless_it_is_to_be_followed(session: Session) -> None:
    session.write(b"file", b"12345")
    (session.workspace / "link").symlink_to("file")
    entry = info(session, b"link")
    assert (entry["is_link"], entry["link_target"], entry["mode"]) == (True, "file", "lrwxrwxrwx")
    entry = info(session, b"link", follow=b"true")
    assert (entry["is_link"], entry["size_bytes"], entry["path"]) == (False, 5, "/workspace/link")
    assert "link_target" not in entry


def test_a_link_that_leads_out_can_be_looked_at_and_not_through(session: Session) -> None:
    (session.workspace / "out").symlink_to("/etc/passwd")
    assert info(session, b"out")["link_target"] == "/etc/passwd"
    reply = session.once("GET", "/fs/file_info", path=b"out", follow=b"true")
    assert (reply.status, reply.code) == (400, "leaves_root")
    assert session.once("GET", "/fs/file_info", path=b"out", follow=b"perhaps").status == 400


def test_whatever_is_no_file_can_be_looked_at_without_being_opened(session: Session) -> None:
    os.mkfifo(session.workspace / "fifo")
    assert info(session, b"fifo")["mode"].startswith("p")


def test_a_time_beyond_all_calendars_is_told_as_the_last_there_is(session: Session) -> None:
    session.write(b"a")
    os.utime(session.workspace / "a", (0, 1 << 40))
    year = datetime.fromisoformat(info(session, b"a")["mod_time"]).astimezone(UTC).year
    assert year == 9999 or (session.workspace / "a").stat().st_mtime < (1 << 40)  # a file system may hold less


def test_a_directory_is_listed_by_name_without_what_is_below_it(session: Session) -> None:
    for path in (b"c", b"a/below", b"B", b"\xe4", "ä".encode()):
        session.write(path)
    (session.workspace / "link").symlink_to("a")
    answer = listing(session, b"/workspace")
    assert not answer["truncated"]
    assert [entry["name"] for entry in answer["entries"]] == ["B", "a", "c", "link", "ä", "\ufffd"]
    by_name = {entry["name"]: entry for entry in answer["entries"]}
    assert by_name["a"]["is_dir"]
    assert (by_name["link"]["is_dir"], by_name["link"]["link_target"]) == (False, "a")
    assert by_name["\ufffd"]["name_b64"] == b64(b"\xe4")
    assert by_name["\ufffd"]["path_b64"] == b64(b"/workspace/\xe4")
    assert not [name for name, entry in by_name.items() if "name_b64" in entry and name != "\ufffd"]
    assert by_name["a"] == info(session, b"a")


def test_an_empty_directory_and_one_behind_a_link_are_listed(session: Session) -> None:
    (session.workspace / "empty").mkdir()
    (session.workspace / "link").symlink_to("empty")
    assert listing(session, b"link") == listing(session, b"empty") == {"entries": [], "truncated": False}


def test_what_is_no_directory_is_not_listed(session: Session) -> None:
    session.write(b"file")
    reply = session.once("GET", "/fs/list_files", path=b"file")
    assert (reply.status, reply.code) == (400, "not_a_directory")


@pytest.mark.parametrize("count", [5, 6, 9, 10, 11, 33])
def test_of_too_many_entries_the_first_are_told_and_that_there_are_more(
    session: Session, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_LISTED", 5)
    for number in range(count):
        (session.workspace / f"{number * 7 % count:03}").touch()
    answer = listing(session, b"/workspace")
    assert [entry["name"] for entry in answer["entries"]] == [f"{number:03}" for number in range(5)]
    assert answer["truncated"] is (count > 5)


def test_a_list_that_would_be_too_large_is_cut(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_LIST_BYTES", 1000)
    for number in range(10):
        (session.workspace / f"{number}{'n' * 200}").touch()
    answer = listing(session, b"/workspace")
    assert answer["truncated"]
    assert 1 <= len(answer["entries"]) <= 3


def test_a_long_list_comes_whole_while_others_are_answered(session: Session) -> None:
    for number in range(1000):
        (session.workspace / f"{number:04}").touch()

    async def scenario(client: Client) -> None:
        replies: list[str] = []

        async def ask(path: bytes) -> None:
            reply = await client.ask("GET", "/fs/list_files", path=path)
            assert reply.is_whole
            replies.append(reply.json["entries"][0]["path"])

        long = client.loop.spawn(ask(b"/workspace"), "long")
        (session.profile / "Default").mkdir()
        await client.loop.sleep(0)
        await ask(b"/profile")
        await long.done.wait()
        assert replies == ["/profile/Default", "/workspace/0000"]

    session.run(scenario)
    assert len(listing(session, b".")["entries"]) == 1000


def test_entries_that_vanish_while_they_are_listed_are_left_out(session: Session) -> None:
    for number in range(1000):
        (session.workspace / f"{number:04}").touch()

    async def scenario(client: Client) -> None:
        replies = []

        async def ask() -> None:
            replies.append(await client.ask("GET", "/fs/list_files", path=b"."))

        asking = client.loop.spawn(ask(), "list")
        for number in reversed(range(1000)):
            if number % 50 == 0:
                await client.loop.sleep(0)
            (session.workspace / f"{number:04}").unlink()
        await asking.done.wait()
        entries_ = replies[0].json["entries"]
        assert 0 < len(entries_) < 1000
        assert [entry["name"] for entry in entries_] == [f"{number:04}" for number in range(len(entries_))]

    session.run(scenario)


def test_a_link_that_becomes_a_file_while_it_is_listed_is_listed_all_the_same(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, real_stat = session.workspace / "name", os.stat
    link.symlink_to("anywhere")

    def swapping(path: Any, **kwargs: Any) -> os.stat_result:
        found = real_stat(path, **kwargs)
        if path == b"name" and stat.S_ISLNK(found.st_mode):
            link.unlink()
            link.touch()
        return found

    monkeypatch.setattr(entries.os, "stat", swapping)
    assert [(entry["name"], entry["is_link"]) for entry in listing(session, b".")["entries"]] == [("name", False)]


def test_the_profile_can_be_read_while_a_browser_lives(session: Session) -> None:
    session.browser.is_alive = True
    (session.profile / "Cookies").write_text("x")
    assert session.read(b"/profile/Cookies").body == b"x"
    assert [entry["path"] for entry in listing(session, b"/profile")["entries"]] == ["/profile/Cookies"]
    assert stat.filemode((session.profile / "Cookies").stat().st_mode) == info(session, b"/profile/Cookies")["mode"]
