import json
import os
import shutil
import time

import pytest

from cloche.agent import streams
from cloche.agent.machine.files import happenings, watches
from cloche.agent.watch.inotify import CannotWatch, Source
from cloche.testing.agent_http import PATIENCE_S, b64, encode

from .conftest import Client, Reader, Session


def no_inotify() -> Source:
    raise CannotWatch(OSError(24, "too many of them"))


@pytest.fixture(params=["inotify", "polling"])
def either(request: pytest.FixtureRequest, session: Session) -> Session:
    """A session whose watches are told by the kernel, and one where they look for themselves."""
    if request.param == "polling":
        session.watch_options["open_source"] = no_inotify
    return session


async def watch(client: Client, path: bytes = b"/workspace", **fields: object) -> str:
    reply = await client.ask("POST", "/fs/watch", json_={"path_b64": b64(path), **fields})
    assert reply.status == 201, reply
    return str(reply.json["watch_id"])


def told(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(event["type"], event["path"]) for event in events]


def test_what_is_made_after_the_answer_is_told_and_what_was_there_is_not(either: Session) -> None:
    either.write(b"there/already", b"x")

    async def scenario(client: Client) -> None:
        id_ = await watch(client, recursive=True)
        (either.workspace / "there/new").write_text("x")
        reader = await client.read_events(id_)
        assert told(await reader.events(1)) == [("CREATE", "/workspace/there/new")]

    either.run(scenario)


def test_each_kind_of_change_is_told_with_name_path_and_a_rising_id(either: Session) -> None:
    workspace = either.workspace

    async def scenario(client: Client) -> None:
        reader = await client.read_events(await watch(client, recursive=True))
        (workspace / "d").mkdir()
        await reader.until("CREATE", "/workspace/d")
        (workspace / "d/a").touch()
        await reader.until("CREATE", "/workspace/d/a")
        (workspace / "d/a").write_text("more")
        await reader.until("WRITE", "/workspace/d/a")
        (workspace / "d/a").rename(workspace / "d/b")
        event = await reader.until("RENAME", "/workspace/d/b")
        assert (event["name"], event["is_dir"], event["old_path"]) == ("b", False, "/workspace/d/a")
        (workspace / "d/b").unlink()
        await reader.until("DELETE", "/workspace/d/b")
        (workspace / "d").rmdir()
        event = await reader.until("DELETE", "/workspace/d")
        assert event["is_dir"]
        events = await reader.events(6)
        assert [event["id"] for event in events] == [1, 2, 3, 4, 5, 6]

    either.run(scenario)


def test_without_recursion_only_what_is_in_the_directory_itself_is_told(session: Session) -> None:
    (session.workspace / "d/e").mkdir(parents=True)

    async def scenario(client: Client) -> None:
        reader = await client.read_events(await watch(client, b"d"))
        (session.workspace / "beside").touch()
        (session.workspace / "d/e/deeper").touch()
        (session.workspace / "d/here").touch()
        (session.workspace / "d/e/deeper").rename(session.workspace / "d/up")
        await reader.until("CREATE", "/workspace/d/up")
        assert {path for _, path in told(await reader.events(2))} == {"/workspace/d/here", "/workspace/d/up"}

    session.run(scenario)


def test_a_file_that_is_written_over_http_is_told_under_its_own_name_alone(session: Session) -> None:
    async def scenario(client: Client) -> None:
        id_ = await watch(client)
        for path in (b"a", b"b"):
            await client.ask("PUT", "/fs/write_file", path=path, body=b"x" * 1_000_000)
        reader = await client.read_events(id_)
        last = await reader.until("CREATE", "/workspace/b")
        events = told(await reader.events(last["id"]))
        assert {path for _, path in events} == {"/workspace/a", "/workspace/b"}
        assert events[0] == ("CREATE", "/workspace/a")

    session.run(scenario)


def test_two_readers_see_the_same_and_one_that_comes_again_goes_on_where_it_was(session: Session) -> None:
    async def scenario(client: Client) -> None:
        id_ = await watch(client)
        for number in range(5):
            (session.workspace / f"{number}").touch()
        first, second = await client.read_events(id_), await client.read_events(id_)
        events = await first.events(5)
        assert await second.events(5) == events
        first.close()
        (session.workspace / "5").touch()
        for query in ({"last_event_id": "3"}, {"after": b"3"}, {"last_event_id": "3", "after": b"1"}):
            again = await client.read_events(id_, **query)  # type: ignore[arg-type]
            found = await again.events(3)
            assert found[:2] == events[3:]
            assert found[2]["path"] == "/workspace/5"
        future = await client.read_events(id_, after=b"1000")
        (session.workspace / "6").touch()
        assert told(await future.events(1)) == [("CREATE", "/workspace/6")]

    session.run(scenario)


@pytest.mark.parametrize("query", [{"last_event_id": "x"}, {"last_event_id": "9" * 30}, {"after": b"-1"}])
def test_an_id_that_is_none_is_refused(session: Session, query: dict[str, object]) -> None:
    async def scenario(client: Client) -> None:
        fields = {"Last-Event-ID": str(query["last_event_id"])} if "last_event_id" in query else {}
        after = {"after": query["after"]} if "after" in query else {}
        route = f"/fs/watch/{await watch(client)}/events"
        assert (await client.ask("GET", route, fields=fields, **after)).status == 400  # type: ignore[arg-type]

    session.run(scenario)


def test_who_reads_too_late_is_told_that_events_are_missing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happenings, "MAX_KEPT", 3)

    async def scenario(client: Client) -> None:
        id_ = await watch(client)
        for number in range(10):
            (session.workspace / f"{number}").touch()
        kept = client.watches.get(id_).kept
        while kept.last < 10:
            await client.watches.get(id_).changed.next()
        events = await (await client.read_events(id_, after=b"2")).events(4)
        assert [event["type"] for event in events] == ["RESCAN", "CREATE", "CREATE", "CREATE"]
        assert [event["id"] for event in events] == [7, 8, 9, 10]
        assert [event["type"] for event in await (await client.read_events(id_, after=b"7")).events(3)] == [
            "CREATE"
        ] * 3

    session.run(scenario)


def test_a_watch_that_is_removed_ends_for_its_readers_and_is_gone(session: Session) -> None:
    async def scenario(client: Client) -> None:
        id_ = await watch(client)
        (session.workspace / "a").touch()
        reader = await client.read_events(id_)
        await reader.events(1)
        assert (await client.ask("DELETE", f"/fs/watch/{id_}")).status == 204
        assert told(await reader.rest()) == [("CREATE", "/workspace/a")]
        for method, route in (("DELETE", f"/fs/watch/{id_}"), ("GET", f"/fs/watch/{id_}/events")):
            reply = await client.ask(method, route)
            assert (reply.status, reply.code) == (404, "not_found")
        assert len(client.watches) == 0

    session.run(scenario)


def test_a_watch_that_nobody_reads_ends_and_one_that_is_read_does_not(session: Session) -> None:
    async def scenario(client: Client) -> None:
        read = await watch(client)
        reader = await client.read_events(read)
        while client.watches.get(read).readers == 0:
            await client.watches.get(read).readers_changed.next()
        client.watches._idle_s = 0.05
        gone = client.watches.get(await watch(client))
        while not gone.is_over:
            await gone.changed.next()
        (session.workspace / "a").touch()
        await reader.events(1)
        assert len(client.watches) == 1
        left = client.watches.get(read)
        reader.close()
        while not left.is_over:
            await left.changed.next()
        assert len(client.watches) == 0

    session.run(scenario)


def test_who_hangs_up_before_the_answer_leaves_no_watch(session: Session) -> None:
    for number in range(2000):
        (session.workspace / str(number)).touch()

    async def scenario(client: Client) -> None:
        connection = client.connect()
        request = encode("POST", "/fs/watch", json.dumps({"path_b64": b64(b".")}).encode())
        await streams.send_all(client.loop, connection, request)
        while not len(client.watches):
            await client.loop.sleep(0)
        connection.close()
        began = time.monotonic()
        while len(client.watches):
            assert time.monotonic() - began < PATIENCE_S
            await client.loop.sleep(0)

    session.run(scenario)


def test_so_many_directories_can_be_watched_and_no_more(session: Session) -> None:
    async def scenario(client: Client) -> None:
        ids = [await watch(client) for _ in range(watches.MAX_WATCHES)]
        assert len(set(ids)) == watches.MAX_WATCHES
        reply = await client.ask("POST", "/fs/watch", json_={"path_b64": b64(b".")})
        assert (reply.status, reply.code) == (429, "too_many_watches")
        await client.ask("DELETE", f"/fs/watch/{ids[0]}")
        await watch(client)

    session.run(scenario)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"missing", 404, "not_found"),
        (b"file", 400, "not_a_directory"),
        (b"up", 400, "leaves_root"),
        (b"etc", 400, "leaves_root"),
        (b"/etc", 400, "not_in_session"),
        (b"", 400, "invalid_request"),
    ],
)
def test_what_is_no_directory_of_the_session_is_not_watched(
    session: Session, path: bytes, status: int, code: str
) -> None:
    session.write(b"file")
    (session.workspace / "up").symlink_to("..")
    (session.workspace / "etc").symlink_to("/etc")
    reply = session.once("POST", "/fs/watch", json_={"path_b64": b64(path)})
    assert (reply.status, reply.code) == (status, code)
    assert session.once("POST", "/fs/watch", json_={"path_b64": b64(b"."), "recursive": 1}).status == 400


def test_a_directory_that_is_gone_is_told_and_nothing_else_is_watched_in_its_place(
    either: Session, tmp_path: os.PathLike[str]
) -> None:
    watched, outside = either.workspace / "a/d", either.profile.parent / "outside"
    watched.mkdir(parents=True)
    (outside / "d").mkdir(parents=True)

    async def scenario(client: Client) -> None:
        reader = await client.read_events(await watch(client, b"a/d", recursive=True))
        (either.workspace / "a").rename(either.workspace / "kept")
        (either.workspace / "a").symlink_to(outside)
        await reader.until("DELETE", "/workspace/a/d")
        (outside / "d/secret").touch()
        (either.workspace / "a").unlink()
        (either.workspace / "kept/d/while_away").touch()
        (either.workspace / "kept").rename(either.workspace / "a")
        await reader.until("CREATE", "/workspace/a/d/while_away")
        assert told(await reader.events(3)) == [
            ("DELETE", "/workspace/a/d"),
            ("CREATE", "/workspace/a/d"),
            ("CREATE", "/workspace/a/d/while_away"),
        ]

    either.run(scenario)
    shutil.rmtree(outside)


def test_events_are_kept_for_a_reader_that_stops_reading_and_the_others_go_on(session: Session) -> None:
    async def scenario(client: Client) -> None:
        id_ = await watch(client)
        stalled: Reader = await client.read_events(id_)
        reading = await client.read_events(id_)
        for number in range(300):
            (session.workspace / f"{number:03}{'n' * 200}").touch()
        assert len(await reading.events(300)) == 300
        assert len(await stalled.events(300)) == 300

    session.run(scenario)


def test_the_profile_can_be_watched_while_a_browser_lives(session: Session) -> None:
    session.browser.is_alive = True

    async def scenario(client: Client) -> None:
        reader = await client.read_events(await watch(client, b"/profile"))
        (session.profile / "Cookies").touch()
        assert told(await reader.events(1)) == [("CREATE", "/profile/Cookies")]

    session.run(scenario)
