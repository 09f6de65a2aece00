"""Many files in one piece over real HTTP, before a machine in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zstandard

from cloche.api.zstd.codec import MEMORY_BYTES, ZstdCodec
from cloche.errors import InvalidError, NotFoundError
from cloche.sessions.model import EventType
from cloche.testing.api import RunningApi, running_api
from cloche.testing.machine import FakeSessionMachine, Scripted
from cloche.testing.raw_http import exchange, head, send_and_vanish
from cloche.wire.upload import Kind, RecordReader

MACHINE = EventType.MACHINE_FILES
UPLOADED = {"files": 2, "bytes": 7, "notes": ["skipped: x: a socket"]}
PLAIN = bytes(range(256)) * 20_000


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        machine = running.manager.session_machine
        machine.payloads |= {f"POST /fs/{route}": UPLOADED for route in ("upload", "upload_zip", "upload_tar")}
        yield running


@pytest.fixture
def machine(api: RunningApi) -> FakeSessionMachine:
    return api.manager.session_machine


@pytest.fixture
async def fs(api: RunningApi) -> str:
    async with api.http(api.admin_key) as client:
        session = (await client.post("/v1/sessions", json={"machine": True})).json()
    return f"/v1/sessions/{session['id']}/fs"


async def ask(api: RunningApi, method: str, path: str, **options: Any) -> Any:
    async with api.http(api.admin_key) as client:
        return await client.request(method, path, **options)


def records(machine: FakeSessionMachine) -> tuple[dict[int, bytes], dict[str, Any]]:
    """What the agent has been sent last, by part, and what it was told to do."""
    reader, parts, part, fields = RecordReader(), dict[int, bytes](), 0, dict[str, Any]()
    reader.feed(bytes(machine.received[-1].body))
    while (record := reader.next_record()) is not None:
        if record.kind is Kind.BEGIN:
            part = record.part
            parts[part] = b""
        elif record.kind is Kind.DATA:
            parts[part] += record.data
        else:
            fields = record.fields
    return parts, fields


# --- up -------------------------------------------------------------------------------------------------------------


async def test_files_go_up_under_any_of_their_names(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    files = [("files[0].file", ("x", b"one")), ("files.1[file]", ("y", PLAIN))]
    texts = {"files[1][dest_path]": "b", "files.0.dest_path": "a"}
    answer = await ask(api, "POST", f"{fs}/upload", files=files, data=texts)
    assert (answer.status_code, answer.json()) == (201, UPLOADED)
    parts, fields = records(machine)
    assert parts == {0: b"one", 1: PLAIN}
    assert fields == {"files": [{"part": 0, "dest_b64": "YQ=="}, {"part": 1, "dest_b64": "Yg=="}]}
    type_, data = machine.notes[-1]
    assert type_ is MACHINE and data["action"] == "upload" and len(PLAIN) < data["bytes"] < len(PLAIN) + 2000
    single = await ask(api, "POST", f"{fs}/upload", files={"file": ("x", b"")}, data={"dest_path": "a"})
    assert single.status_code == 201 and records(machine)[0] == {0: b""}


async def test_an_archive_goes_up_as_a_part_or_as_the_body(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    packed = zstandard.compress(PLAIN)
    told = {"dest_b64": "YQ==", "strip_components": 1, "replace": True}
    query, texts = {"dest_path": "a", "strip_components": "1", "replace": "true"}, told
    for route, name, type_, sent in (
        ("upload_zip", "zip_file", "application/zip", PLAIN),
        ("upload_zstd", "archive", "application/zstd", packed),
    ):
        as_part = await ask(api, "POST", f"{fs}/{route}", files={name: ("x", sent)}, data=query)
        assert (as_part.status_code, as_part.json()) == (201, UPLOADED)
        assert records(machine) == ({0: PLAIN}, texts)
        as_body = await ask(api, "POST", f"{fs}/{route}", params=query, content=sent, headers={"content-type": type_})
        assert as_body.status_code == 201 and records(machine) == ({0: PLAIN}, texts)
        expected = "/fs/upload_tar" if route == "upload_zstd" else "/fs/upload_zip"
        assert machine.received[-1].request.path == expected
        assert machine.notes[-1] == (MACHINE, {"by": "root", "action": "upload", "bytes": len(sent)})


async def test_a_form_that_lacks_something_names_it(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    archive = {"archive": ("x", zstandard.compress(b"x"))}
    for route, files, data, field in (
        ("upload", {"file": ("x", b"1")}, {}, "dest_path"),
        ("upload", {"other": ("x", b"1")}, {"dest_path": "a"}, "other"),
        ("upload", {"files[0].file": ("x", b"1")}, {"files[1].dest_path": "a"}, "files["),
        ("upload_zip", {"zip_file": ("x", b"1")}, {}, "dest_path"),
        ("upload_zip", {"file": ("x", b"1")}, {"dest_path": "a"}, "file"),
        ("upload_zstd", archive, {"dest_path": "a", "strip_components": "x"}, "strip_components"),
        ("upload_zstd", archive, {"dest_path": "x" * 5000}, "dest_path"),
    ):
        answer = await ask(api, "POST", f"{fs}/{route}", files=files, data=data)
        assert answer.status_code == 400 and answer.json()["field"].startswith(field), answer.text
        assert not machine.received[-1].is_whole and not machine.notes and not machine.open_now


async def test_a_body_of_another_kind_is_refused(api: RunningApi, fs: str) -> None:
    for route, type_, query in (
        ("upload", "application/zip", "dest_path=a"),
        ("upload", "multipart/form-data", ""),
        ("upload_zip", "application/zstd", "dest_path=a"),
        ("upload_zip", "application/zip", ""),
        ("upload_zip", "application/zip", "dest_path=a&replace=maybe"),
        ("upload_zip", "application/zip", "dest_path=%ff"),
        ("upload_zip", "multipart/form-data; boundary=x", "dest_path=a"),
        ("upload_zstd", "application/zip", "dest_path=a"),
        ("upload_zstd", "application/json", "dest_path=a"),
    ):
        headers = {"content-type": type_}
        answer = await ask(api, "POST", f"{fs}/{route}?{query}", content=b"x", headers=headers)
        assert answer.status_code == 400 and answer.json()["field"], (route, type_)
    assert (await ask(api, "POST", f"{fs}/upload")).status_code == 400


async def test_an_archive_that_is_none_is_refused_whole(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(PLAIN)
    bomb = zstandard.compress(bytes(200 * 1024 * 1024))
    for sent, reason in (
        (b"", "bad_archive"),
        (packed[:-10], "bad_archive"),
        (b"PK\3\4" + packed, "bad_archive"),
        (packed[:50] + b"\xff" * 50 + packed[100:], "bad_archive"),
        (bomb, "too_compressed"),
    ):
        headers = {"content-type": "application/zstd"}
        answer = await ask(api, "POST", f"{fs}/upload_zstd?dest_path=a", content=sent, headers=headers)
        assert answer.status_code == 400 and answer.json()["reason"] == reason
        assert not machine.received[-1].is_whole and not machine.notes
    assert len(machine.received[-1].body) < 80 * 1024 * 1024


async def test_what_the_agent_refuses_is_told(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.errors["POST /fs/upload_zip"] = InvalidError("a link leads out", reason="link_leaves")
    headers = {"content-type": "application/zip"}
    answer = await ask(api, "POST", f"{fs}/upload_zip?dest_path=a", content=PLAIN, headers=headers)
    assert answer.status_code == 400 and answer.json()["reason"] == "link_leaves" and not machine.notes


async def test_an_upload_that_is_broken_off_leaves_nothing_under_way(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    key = f"Authorization: Bearer {api.admin_key}"
    fields = ("Host: localhost", key, "Content-Length: 100000", "Content-Type: application/zstd")
    await send_and_vanish(api.url, head("POST", f"{fs}/upload_zstd?dest_path=a", *fields) + zstandard.compress(b"x"))
    async with asyncio.timeout(5):
        await machine.closed.wait()
    assert not machine.received[-1].is_whole and not machine.notes


# --- down -----------------------------------------------------------------------------------------------------------


async def test_a_directory_comes_down_as_a_zip(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.streams["GET /fs/download_dir_zip"] = Scripted([b"PK", PLAIN])
    answer = await ask(api, "GET", f"{fs}/download_dir_zip?path=/workspace/d%C3%AFr/")
    assert answer.status_code == 200 and answer.content == b"PK" + PLAIN
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith("UTF-8''d%C3%AFr.zip")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert machine.notes == [(MACHINE, {"by": "root", "action": "download", "bytes": len(PLAIN) + 2})]


@pytest.mark.parametrize("level", ["", "fastest", "default", "better", "best"])
async def test_a_directory_comes_down_as_a_tar_zst(
    api: RunningApi, machine: FakeSessionMachine, fs: str, level: str
) -> None:
    machine.streams["GET /fs/download_dir_tar"] = Scripted([PLAIN[:1000], PLAIN[1000:]])
    query = f"&compression_level={level}" if level else ""
    answer = await ask(api, "GET", f"{fs}/download_dir_zstd?path=/profile{query}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zstd"
    assert answer.headers["content-disposition"].endswith("UTF-8''profile.tar.zst")
    assert zstandard.ZstdDecompressor().decompressobj().decompress(answer.content) == PLAIN
    assert machine.notes[-1][1]["bytes"] == len(answer.content)


async def test_a_download_that_cannot_begin_is_a_problem(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    assert (await ask(api, "GET", f"{fs}/download_dir_zstd?path=a&compression_level=most")).status_code == 400
    for route, key in (("download_dir_zip", "download_dir_zip"), ("download_dir_zstd", "download_dir_tar")):
        assert (await ask(api, "GET", f"{fs}/{route}")).status_code == 400
        machine.errors[f"GET /fs/{key}"] = NotFoundError("there is no such directory", reason="not_found")
        assert (await ask(api, "GET", f"{fs}/{route}?path=a")).status_code == 404
    assert not machine.notes and not machine.open_now


async def test_a_download_that_breaks_off_never_looks_whole(
    api: RunningApi, machine: FakeSessionMachine, fs: str
) -> None:
    key = f"Authorization: Bearer {api.admin_key}"
    for route, name in (("download_dir_zip", "download_dir_zip"), ("download_dir_zstd", "download_dir_tar")):
        # More than is gathered before it is compressed, twice, so that something has been sent.
        machine.streams[f"GET /fs/{name}"] = Scripted([PLAIN] * 3, breaks_off=True)
        answer = await exchange(api.url, head("GET", f"{fs}/{route}?path=a", "Host: localhost", key))
        assert answer.status == 200 and answer.headers["transfer-encoding"] == "chunked"
        assert answer.body and not answer.body.endswith(b"0\r\n\r\n")
    assert not machine.open_now


async def test_who_hangs_up_gives_memory_and_place_back(api: RunningApi, machine: FakeSessionMachine, fs: str) -> None:
    machine.streams["GET /fs/download_dir_tar"] = Scripted([PLAIN] * 3, hangs=True)
    codec: ZstdCodec = api.server._app.state.codec
    url = f"{fs}/download_dir_zstd?path=a&compression_level=best"
    async with api.http(api.admin_key) as client, client.stream("GET", url) as answer:
        await anext(answer.aiter_bytes())
        assert codec.memory.free_bytes < MEMORY_BYTES
    async with asyncio.timeout(5):
        await machine.closed.wait()
    assert codec.memory.free_bytes == MEMORY_BYTES and not machine.open_now
