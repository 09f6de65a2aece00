"""Files of a session over real HTTP, before a machine in memory."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cloche.api import limits
from cloche.api.ranges import etag_of
from cloche.errors import ConflictError, NotFoundError, RangeError, StorageFullError
from cloche.sessions.interface import MachineRequest
from cloche.sessions.model import EventType
from cloche.testing.api import RunningApi, running_api
from cloche.testing.machine import FakeSessionMachine, Scripted
from cloche.testing.raw_http import exchange, head, send_and_vanish

CONTENT = bytes(range(256)) * 4
MODIFIED = "1795341600.250000000"
ETAG = etag_of(len(CONTENT), float(MODIFIED))
ENTRY = {
    "name": "a",
    "path": "/workspace/a",
    "size_bytes": 5,
    "is_dir": False,
    "is_link": False,
    "mod_time": "2026-11-22T10:00:00.5Z",
    "mode": "-rw-r--r--",
}
MACHINE = EventType.MACHINE_FILES


def file_of(content: bytes) -> Any:
    """What the agent answers for a file: the range that was asked for."""

    def answer(request: MachineRequest) -> Scripted:
        offset, length = int(str(request.query.get("offset", 0))), request.query.get("length")
        if offset and offset >= len(content):
            raise RangeError("beyond the end", size=len(content), reason="range_not_satisfiable")
        part = content[offset:] if length is None else content[offset : offset + int(str(length))]
        fields = {"cloche-size": str(len(content)), "cloche-modified": MODIFIED}
        return Scripted([part[at : at + 100] for at in range(0, len(part), 100)], fields, len(part))

    return answer


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        running.manager.session_machine.streams["GET /fs/read_file"] = file_of(CONTENT)
        yield running


@pytest.fixture
def machine(api: RunningApi) -> FakeSessionMachine:
    return api.manager.session_machine


@pytest.fixture
async def fs(api: RunningApi) -> str:
    """Where the files of a session are, which an admin made with a machine."""
    async with api.http(api.admin_key) as client:
        session = (await client.post("/v1/sessions", json={"machine": True})).json()
    return f"/v1/sessions/{session['id']}/fs"


async def ask(api: RunningApi, method: str, path: str, **options: Any) -> Any:
    async with api.http(api.admin_key) as client:
        return await client.request(method, path, **options)


# --- reading --------------------------------------------------------------------------------------------------------


async def test_a_file_comes_as_a_file_and_never_as_a_page(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    answer = await ask(api, "GET", f"{fs}/read_file", params={"path": "/workspace/ev\u00efl.html"})
    assert answer.status_code == 200 and answer.content == CONTENT
    wanted = {
        "content-type": "application/octet-stream",
        "x-content-type-options": "nosniff",
        "content-disposition": "attachment; filename=\"ev_l.html\"; filename*=UTF-8''ev%C3%AFl.html",
        "content-security-policy": "sandbox",
        "cache-control": "no-store",
        "accept-ranges": "bytes",
        "content-length": str(len(CONTENT)),
        "etag": ETAG,
    }
    assert {name: answer.headers[name] for name in wanted} == wanted
    assert machine.received[-1].request.query == {"path": "/workspace/ev\u00efl.html".encode()}
    assert machine.notes == [(MACHINE, {"by": "root", "action": "download", "bytes": len(CONTENT)})]


RANGES = [
    ("bytes=0-0", 206, CONTENT[:1], "bytes 0-0/1024"),
    ("bytes=10-19", 206, CONTENT[10:20], "bytes 10-19/1024"),
    ("bytes=1000-", 206, CONTENT[1000:], "bytes 1000-1023/1024"),
    ("bytes=1000-9999", 206, CONTENT[1000:], "bytes 1000-1023/1024"),
    ("bytes=-24", 206, CONTENT[1000:], "bytes 1000-1023/1024"),
    ("bytes=-9999", 206, CONTENT, "bytes 0-1023/1024"),
    ("bytes=0-1,5-6", 200, CONTENT, None),
    ("bytes=9-1", 200, CONTENT, None),
    ("lines=1-2", 200, CONTENT, None),
    ("bytes=1024-", 416, None, "bytes */1024"),
    ("bytes=5000-6000", 416, None, "bytes */1024"),
    ("bytes=-0", 416, None, "bytes */1024"),
]


async def test_a_range_is_sent_as_asked(api: RunningApi, fs: str) -> None:
    for range_, status, part, content_range in RANGES:
        answer = await ask(api, "GET", f"{fs}/read_file?path=a", headers={"range": range_})
        assert answer.status_code == status and answer.headers.get("content-range") == content_range
        if part is None:
            assert answer.json()["code"] == "range_not_satisfiable" and answer.json()["size"] == 1024
        else:
            assert answer.content == part


async def test_any_range_of_an_empty_file_is_beyond_its_end(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    machine.streams["GET /fs/read_file"] = file_of(b"")
    assert (await ask(api, "GET", f"{fs}/read_file?path=a")).content == b""
    for range_ in ("bytes=0-", "bytes=-5"):
        answer = await ask(api, "GET", f"{fs}/read_file?path=a", headers={"range": range_})
        assert answer.status_code == 416 and answer.headers["content-range"] == "bytes */0"


async def test_a_range_of_another_version_is_the_whole_file(api: RunningApi, fs: str) -> None:
    for if_range, range_, status in (
        (ETAG, "bytes=1-2", 206),
        ('"other"', "bytes=1-2", 200),
        ('"other"', "bytes=5000-", 200),
        ("Sun, 22 Nov 2026 10:00:00 GMT", "bytes=-2", 200),
    ):
        headers = {"range": range_, "if-range": if_range}
        assert (await ask(api, "GET", f"{fs}/read_file?path=a", headers=headers)).status_code == status


async def test_head_tells_of_the_whole_file_without_sending_it(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    answer = await ask(api, "HEAD", f"{fs}/read_file?path=a", headers={"range": "bytes=1-2"})
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "1024")
    assert answer.headers["etag"] == ETAG and not machine.notes and not machine.open_now


async def test_a_file_that_breaks_off_is_seen_to(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    fields = {"cloche-size": "1000", "cloche-modified": MODIFIED}
    for scripted in (Scripted([b"x" * 100], fields, 1000, breaks_off=True), Scripted([b"x" * 100], fields, 1000)):
        machine.streams["GET /fs/read_file"] = scripted
        key = f"Authorization: Bearer {api.admin_key}"
        answer = await exchange(api.url, head("GET", f"{fs}/read_file?path=a", "Host: localhost", key))
        assert answer.status == 200 and answer.headers["content-length"] == "1000" and len(answer.body) == 100
        assert machine.notes[-1][1]["bytes"] == 100 and not machine.open_now


CONTRADICTIONS = [
    Scripted([b"x"], {}, 1),
    Scripted([b"x"], {"cloche-size": "-1", "cloche-modified": "1"}, 1),
    Scripted([b"x"], {"cloche-size": "1" * 30, "cloche-modified": "1"}, 1),
    Scripted([b"x"], {"cloche-size": "1", "cloche-modified": "nan"}, 1),
    Scripted([b"x"], {"cloche-size": "5", "cloche-modified": "1"}, 1),
    Scripted([b"x"], {"cloche-size": "1", "cloche-modified": "1"}, None),
]


async def test_an_agent_that_contradicts_itself_is_not_believed(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    for scripted in CONTRADICTIONS:
        machine.streams["GET /fs/read_file"] = scripted
        answer = await ask(api, "GET", f"{fs}/read_file?path=a")
        assert answer.status_code == 502 and answer.json()["code"] == "agent_failed"


async def test_who_hangs_up_ends_the_reading(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    fields = {"cloche-size": "1000", "cloche-modified": MODIFIED}
    machine.streams["GET /fs/read_file"] = Scripted([b"x"], fields, 1000, hangs=True)
    async with api.http(api.admin_key) as client, client.stream("GET", f"{fs}/read_file?path=a") as answer:
        await anext(answer.aiter_bytes())
    async with asyncio.timeout(5):
        await machine.closed.wait()
    assert not machine.open_now


# --- paths ----------------------------------------------------------------------------------------------------------


async def test_a_path_of_any_bytes_can_be_named(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    path = b"/workspace/\xff\n+\xfb"
    for encoded in (
        base64.b64encode(path),
        base64.urlsafe_b64encode(path),
        base64.urlsafe_b64encode(path).rstrip(b"="),
    ):
        await ask(api, "GET", f"{fs}/read_file", params={"path_b64": encoded.decode()})
        assert machine.received[-1].request.query["path"] == path


NO_PATHS = [
    ("", "path"),
    ("path=", "path"),
    ("path=a&path_b64=YQ", "path"),
    ("path_b64=%21%21", "path_b64"),
    ("path_b64=", "path_b64"),
    ("path_b64=AA", "path_b64"),
    ("path=a%00b", "path"),
    ("path=%ff", "path"),
    ("path=" + "x" * 4097, "path"),
    ("path_b64=" + "A" * 6000, "path_b64"),
]


async def test_what_is_no_path_is_refused(api: RunningApi, fs: str) -> None:
    asked = (("GET", "read_file"), ("GET", "list_files"), ("GET", "file_info"), ("PUT", "write_file"))
    for (query, field), (method, route) in itertools.product(NO_PATHS, asked):
        answer = await ask(api, method, f"{fs}/{route}?{query}")
        assert answer.status_code == 400 and answer.json()["field"] == field, (route, answer.text)


# --- looking and changing -------------------------------------------------------------------------------------------


async def test_a_listing_is_an_array_and_says_when_it_was_cut(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    odd = ENTRY | {"name": "\ufffd", "name_b64": "/w==", "is_link": True, "link_target": "x", "surprise": "<script>"}
    machine.payloads["GET /fs/list_files"] = {"entries": [ENTRY, odd], "truncated": False}
    answer = await ask(api, "GET", f"{fs}/list_files?path=.")
    assert "cloche-truncated" not in answer.headers
    shown = ENTRY | {"mod_time": "2026-11-22T10:00:00.500000Z"}
    del odd["surprise"]
    assert answer.json() == [shown, odd | {"mod_time": shown["mod_time"]}]
    machine.payloads["GET /fs/list_files"] = {"entries": [ENTRY], "truncated": True}
    assert (await ask(api, "GET", f"{fs}/list_files?path=.")).headers["cloche-truncated"] == "true"
    machine.payloads["GET /fs/list_files"] = {"entries": [ENTRY] * 10_001, "truncated": False}
    answer = await ask(api, "GET", f"{fs}/list_files?path=.")
    assert answer.headers["cloche-truncated"] == "true" and len(answer.json()) == 10_000


async def test_a_listing_that_is_none_is_the_agents_fault(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    for payload in [
        {},
        {"entries": {}},
        {"entries": [{}]},
        {"entries": [ENTRY | {"size_bytes": -1}]},
        {"entries": [7]},
    ]:
        machine.payloads["GET /fs/list_files"] = payload
        assert (await ask(api, "GET", f"{fs}/list_files?path=.")).status_code == 502


async def test_a_file_is_looked_at(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.payloads["GET /fs/file_info"] = ENTRY
    answer = await ask(api, "GET", f"{fs}/file_info?path=a")
    assert answer.json() == ENTRY | {"mod_time": "2026-11-22T10:00:00.500000Z"}
    machine.errors["GET /fs/file_info"] = NotFoundError("there is no such file", reason="not_found")
    assert (await ask(api, "GET", f"{fs}/file_info?path=a")).status_code == 404


@pytest.mark.parametrize(
    ("route", "body", "asked", "status", "action"),
    [
        ("create_directory", {"path": "a"}, {"path_b64": "YQ=="}, 201, "make_directory"),
        ("create_directory", {"path": "a", "mode": "700"}, {"path_b64": "YQ==", "mode": "700"}, 201, "make_directory"),
        ("delete_file", {"path_b64": "_w"}, {"path_b64": "/w=="}, 200, "delete"),
        ("delete_directory", {"path": "a"}, {"path_b64": "YQ=="}, 200, "delete"),
        ("move", {"src_path": "a", "dest_path_b64": "/w=="}, {"src_b64": "YQ==", "dest_b64": "/w=="}, 200, "move"),
        (
            "set_file_permissions",
            {"path": "a", "mode": "0600"},
            {"path_b64": "YQ==", "mode": "0600"},
            200,
            "set_permissions",
        ),
    ],
)
async def test_a_change_reaches_the_agent_and_is_told(
    api: RunningApi,
    machine: FakeSessionMachine,
    fs: str,
    route: str,
    body: dict[str, str],
    asked: dict[str, str],
    status: int,
    action: str,
) -> None:
    machine.payloads[f"PUT /fs/{route}"] = {}
    answer = await ask(api, "PUT", f"{fs}/{route}", json=body)
    assert (answer.status_code, answer.json()) == (status, {"ok": True})
    assert machine.received[-1].request.fields == asked
    wanted = [(MACHINE, {"by": "root", "action": action, "bytes": None})]
    assert machine.notes == wanted
    machine.errors[f"PUT /fs/{route}"] = ConflictError("a browser has it open", reason="browser_running")
    refused = await ask(api, "PUT", f"{fs}/{route}", json=body)
    assert refused.status_code == 409 and refused.json()["reason"] == "browser_running"
    assert machine.notes == wanted


@pytest.mark.parametrize(
    "route", ["create_directory", "delete_file", "delete_directory", "move", "set_file_permissions"]
)
async def test_a_change_of_nothing_is_refused(api: RunningApi, fs: str, route: str) -> None:
    for body in ({}, {"path": ""}, {"path": "a", "surprise": 1}, {"path": 7}, {"src_path": "a"}, {"mode": "9"}, []):
        assert (await ask(api, "PUT", f"{fs}/{route}", json=body)).status_code == 400


# --- writing --------------------------------------------------------------------------------------------------------


async def test_a_body_of_any_type_is_written_as_it_is(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.payloads["PUT /fs/write_file"] = {}
    for content, type_ in ((b"\0\xff" * 1_000_000, "image/png"), (b"{not json", "application/json"), (b"", "text/x")):
        answer = await ask(
            api, "PUT", f"{fs}/write_file?path=a&mode=600", content=content, headers={"content-type": type_}
        )
        assert (answer.status_code, answer.json()) == (201, {"ok": True})
        received = machine.received[-1]
        assert received.body == content and received.is_whole
        assert received.request.query == {"path": b"a", "mode": "600"}
        assert machine.notes[-1] == (MACHINE, {"by": "root", "action": "write", "bytes": len(content)})


async def test_a_mode_is_octal(api: RunningApi, fs: str) -> None:
    for mode in ("8", "abc", "77777", "-1", ""):
        assert (await ask(api, "PUT", f"{fs}/write_file?path=a&mode={mode}", content=b"x")).status_code == 400


async def test_a_full_disk_is_told(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.errors["PUT /fs/write_file"] = StorageFullError("no space", reason="storage_full")
    answer = await ask(api, "PUT", f"{fs}/write_file?path=a", content=b"x" * 100_000)
    assert answer.status_code == 507 and not machine.notes


async def test_an_upload_waits_for_the_machine(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    """What the machine does not take stays with the client: the server holds a few pieces and no more."""
    machine.payloads["PUT /fs/write_file"] = {}
    machine.may_read.clear()
    sent, piece = 0, bytes(64 * 1024)

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += len(piece)
            yield piece
            if sent == 10 * len(piece):
                began.set()

    began = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(ask(api, "PUT", f"{fs}/write_file?path=a", content=body()))
        async with asyncio.timeout(5):
            await began.wait()
            held = -1
            while held != sent:  # until nothing moves any more
                held = sent
                await asyncio.sleep(0.2)
        # Socket buffers of both ends hold some megabytes; the rest has not been sent.
        assert sent < 300 * len(piece)
        machine.may_read.set()
    assert writing.result().status_code == 201 and len(machine.received[-1].body) == 400 * len(piece)


async def test_a_client_that_vanishes_leaves_nothing_under_way(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    key = f"Authorization: Bearer {api.admin_key}"
    request = head("PUT", f"{fs}/write_file?path=a", "Host: localhost", key, "Content-Length: 1000") + b"some"
    await send_and_vanish(api.url, request)
    async with asyncio.timeout(5):
        await machine.closed.wait()
    assert not machine.received[-1].is_whole and not machine.notes and not machine.open_now


async def test_an_upload_that_dawdles_is_given_up(
    api: RunningApi, machine: FakeSessionMachine, fs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PIECE_TIMEOUT_S", 0.05)
    key = f"Authorization: Bearer {api.admin_key}"
    fields = ("Host: localhost", key, "Content-Length: 1000", "Connection: close")
    answer = await exchange(api.url, head("PUT", f"{fs}/write_file?path=a", *fields) + b"some")
    assert answer.status == 400 and "in time" in answer.json["detail"]
    assert not machine.received[-1].is_whole


async def test_an_upload_above_the_limit_is_refused_told_or_not() -> None:
    async with running_api(max_upload_bytes=100_000) as api:
        api.manager.session_machine.payloads["PUT /fs/write_file"] = {}
        async with api.http(api.admin_key) as client:
            session = (await client.post("/v1/sessions", json={"machine": True})).json()
        path = f"/v1/sessions/{session['id']}/fs/write_file?path=a"

        async def unannounced() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield bytes(10_000)

        assert (await ask(api, "PUT", path, content=bytes(100_000))).status_code == 201
        for content in (bytes(100_001), unannounced()):
            answer = await ask(api, "PUT", path, content=content)
            assert answer.status_code == 413 and answer.json()["code"] == "too_large"


async def test_only_uploads_are_streams(api: RunningApi, fs: str) -> None:
    for method, path in (("POST", f"{fs}/write_file"), ("PUT", f"{fs}/upload"), ("PUT", f"{fs}/move"), ("POST", fs)):
        answer = await ask(api, method, path, content=b"not json", headers={"content-type": "text/plain"})
        assert answer.status_code == 400 and "application/json" in answer.json()["detail"]


# --- watching -------------------------------------------------------------------------------------------------------


async def test_changes_are_read_as_events(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    watch_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    machine.payloads["POST /fs/watch"] = {"watch_id": watch_id}
    made = await ask(api, "POST", f"{fs}/watch", json={"path": "a", "recursive": True})
    assert (made.status_code, made.json()) == (201, {"watch_id": watch_id})
    assert machine.received[-1].request.fields == {"path_b64": "YQ==", "recursive": True}
    event = b"id: 8\ndata: " + json.dumps({"type": "CREATE"}).encode() + b"\n\n"
    machine.streams[f"GET /fs/watch/{watch_id}/events"] = Scripted([event])
    answer = await ask(api, "GET", f"{fs}/watch/{watch_id}/events?after=3", headers={"last-event-id": "7"})
    assert answer.headers["content-type"].startswith("text/event-stream") and answer.content == event
    assert machine.received[-1].request.query == {"after": 7}
    machine.payloads[f"DELETE /fs/watch/{watch_id}"] = {}
    ended = await ask(api, "DELETE", f"{fs}/watch/{watch_id}")
    assert (ended.status_code, ended.content) == (204, b"")


async def test_a_watch_that_is_not_there_or_none_is_told(api: RunningApi, fs: str) -> None:
    assert (await ask(api, "GET", f"{fs}/watch/abc/events")).status_code == 404
    assert (await ask(api, "DELETE", f"{fs}/watch/abc")).status_code == 404
    for path in ("watch/a%2Fb/events", "watch/..%2f..%2fx", "watch/" + "a" * 65):
        assert (await ask(api, "DELETE", f"{fs}/{path}")).status_code in (400, 404, 405)
    assert (await ask(api, "GET", f"{fs}/watch/abc/events?after=-1")).status_code == 400


# --- who may --------------------------------------------------------------------------------------------------------


async def test_files_need_a_key_with_the_scope_and_a_session_with_a_machine(api: RunningApi) -> None:
    _, scoped = await api.keys.create(principal="alice", role="user", scopes=["machine"])
    _, unscoped = await api.keys.create(principal="alice", role="user")
    plain = await api.session()
    with_machine = await api.session({"machine": True})
    for session, key, status, reason in (
        (plain, scoped, 403, "machine_off"),
        (with_machine, unscoped, 403, "machine_not_allowed"),
        (with_machine, scoped, 200, None),
        (with_machine, api.admin_key, 200, None),
        (with_machine, api.other_key, 404, None),
        (with_machine, None, 401, None),
    ):
        async with api.http(key) as client:
            answer = await client.get(f"/v1/sessions/{session['id']}/fs/read_file?path=a")
        assert answer.status_code == status
        assert reason is None or answer.json()["reason"] == reason
