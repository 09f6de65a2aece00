"""What can go wrong when a session is used as a machine, through all of it: each row of its routes with its answer."""

import asyncio
import base64
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import pytest
import zstandard

from cloche.testing.daemon import DaemonProcess

UNKNOWN: Final = "01234567-0123-4123-8123-0123456789ab"


class Row(NamedTuple):
    """A request, and what it must be answered."""

    method: str
    route: str
    status: int
    reason: str | None = None
    body: object = None


ROWS: Final = (
    Row("POST", "/process/exec", 400, body={}),
    Row("POST", "/process/exec", 400, "command_not_found", {"command": "no-such-program"}),
    Row("POST", "/process/exec", 400, "not_executable", {"command": "/workspace/plain"}),
    Row("POST", "/process/exec", 400, "not_found", {"command": "true", "cwd": "/no/such/place"}),
    Row("POST", "/process/exec", 400, body={"command": "true", "cwd": "relative"}),
    Row("POST", "/process/exec", 400, "no_such_user", {"command": "true", "as_root": True}),
    Row("POST", "/process/exec", 400, "no_such_user", {"command": "true", "as_user": "daemon"}),
    Row("POST", "/process/exec", 400, body={"command": "true", "timeout_sec": 0}),
    Row("POST", "/process/exec", 400, body={"command": "true", "timeout_sec": "5"}),
    Row("POST", "/process/exec", 400, body={"command": "tr\0ue"}),
    Row("POST", "/process/exec", 400, body={"command": "true", "env": {"A=B": "c"}}),
    Row("POST", "/process/exec", 400, body={"command": "true", "stdin_b64": "%"}),
    Row("POST", "/process/exec", 400, body={"command": "true", "unknown": 1}),
    Row("POST", "/process/spawn", 400, body={"command": "sh", "allocate_tty": True, "rows": 0, "cols": 80}),
    Row("POST", "/process/spawn", 400, body={"command": "sh", "allocate_tty": True, "rows": 24, "cols": 65536}),
    Row("GET", f"/process/{UNKNOWN}/status", 404),
    Row("GET", "/process/not-a-uuid/status", 404),
    Row("GET", f"/process/{UNKNOWN}/stdout/stream", 404),
    Row("POST", f"/process/{UNKNOWN}/stdin", 404, body={"data_b64": ""}),
    Row("POST", f"/process/{UNKNOWN}/kill", 404, body={"signal": "TERM"}),
    Row("POST", f"/process/{UNKNOWN}/kill", 400, body={"signal": "SEGV"}),
    Row("POST", f"/process/{UNKNOWN}/kill", 400, body={"signal": 9}),
    Row("POST", f"/process/{UNKNOWN}/resize", 400, body={"rows": 70000, "cols": 1}),
    Row("POST", f"/process/{UNKNOWN}/resize", 404, body={"rows": 24, "cols": 80}),
    Row("GET", "/fs/read_file", 400),
    Row("GET", "/fs/read_file?path=none", 404, "not_found"),
    Row("GET", "/fs/read_file?path=/workspace", 400, "is_a_directory"),
    Row("GET", "/fs/read_file?path=fifo", 400, "not_a_file"),
    Row("GET", "/fs/read_file?path=../../etc/passwd", 400),
    Row("GET", "/fs/read_file?path=/etc/passwd", 400, "not_in_session"),
    Row("GET", "/fs/read_file?path=out", 400, "leaves_root"),
    Row("GET", f"/fs/read_file?path={'a' * 5000}", 400),
    Row("GET", f"/fs/read_file?path={'a' * 300}", 400, "name_too_long"),
    Row("GET", "/fs/read_file?path=%ff", 400),
    Row("GET", "/fs/list_files?path=plain", 400, "not_a_directory"),
    Row("GET", "/fs/list_files?path=none", 404),
    Row("GET", "/fs/file_info?path=none", 404),
    Row("PUT", "/fs/create_directory", 409, "exists", {"path": "plain"}),
    Row("PUT", "/fs/delete_file", 404, body={"path": "none"}),
    Row("PUT", "/fs/delete_file", 400, "is_a_directory", {"path": "full"}),
    Row("PUT", "/fs/delete_directory", 404, body={"path": "none"}),
    Row("PUT", "/fs/delete_directory", 400, "not_a_directory", {"path": "plain"}),
    Row("PUT", "/fs/delete_directory", 400, body={"path": "/workspace"}),
    Row("PUT", "/fs/move", 404, body={"src_path": "none", "dest_path": "new"}),
    Row("PUT", "/fs/move", 409, "not_empty", {"src_path": "empty", "dest_path": "full"}),
    Row("PUT", "/fs/move", 400, body={"src_path": "full", "dest_path": "full/inside"}),
    Row("PUT", "/fs/set_file_permissions", 404, body={"path": "none", "mode": "644"}),
    Row("PUT", "/fs/set_file_permissions", 400, body={"path": "plain", "mode": "999"}),
    Row("PUT", "/fs/set_file_permissions", 403, "not_permitted", {"path": "plain", "owner": "root"}),
    Row("POST", "/fs/watch", 404, body={"path": "none", "recursive": True}),
    Row("POST", "/fs/watch", 400, "not_a_directory", {"path": "plain"}),
    Row("GET", f"/fs/watch/{UNKNOWN}/events", 404),
    Row("DELETE", f"/fs/watch/{UNKNOWN}", 404),
    Row("GET", "/fs/download_dir_zip", 400),
    Row("GET", "/fs/download_dir_zip?path=none", 404),
    Row("GET", "/fs/download_dir_zip?path=plain", 400, "not_a_directory"),
    Row("GET", "/fs/download_dir_zstd?path=none", 404),
    Row("GET", "/fs/download_dir_zstd?path=full&compression_level=most", 400),
    Row("GET", "/logs/stream?source=nothing", 400),
    Row("GET", "/logs/stream?source=path", 400),
    Row("GET", "/logs/stream?source=path&path=none", 404),
    Row("GET", "/logs/stream?source=path&path=full", 400, "not_a_file"),
    Row("GET", "/logs/stream?source=browser&path=plain", 400),
    Row("GET", "/logs/stream?source=path&path=plain&tail=-1", 400),
    Row("GET", "/logs/stream?source=path&path=plain&after=nonsense", 400),
    Row("POST", "/browser/start", 409, "browser_running"),
    Row("POST", "/browser/restart", 400, body={"flags": ["no-dashes"]}),
    Row("POST", "/browser/restart", 400, "flag_protected", {"flags": ["--proxy-server=http://x"]}),
    Row("POST", "/browser/restart", 400, "flag_protected", {"flags": ["--no-sandbox"]}),
    Row("POST", "/browser/restart", 400, "engine_unsupported", {"extensions": ["/workspace/full"]}),
    Row("POST", "/browser/restart", 400, "engine_unsupported", {"policies": {"URLBlocklist": []}}),
    Row("POST", "/browser/restart", 404, body={"profile": "/workspace/none"}),
    Row("POST", "/browser/restart", 400, body={"start_url": "javascript:alert(1)"}),
    Row("POST", "/browser/restart", 400, body={"start_url": "file:///etc/passwd"}),
    Row("PUT", "/fs/delete_directory", 409, "browser_running", {"path": "/profile/Default"}),
    Row("PATCH", "/process", 405),
)
PREPARE: Final = (
    "touch plain; mkfifo fifo; ln -s /etc/passwd out; mkdir empty full; touch full/file; mkdir -p /profile/Default"
)


class Machine:
    def __init__(self, base: str, client: httpx2.AsyncClient) -> None:
        self.base, self.client = base, client

    async def ask(self, method: str, route: str, body: object = None, **options: Any) -> httpx2.Response:
        if body is not None:
            options["json"] = body
        return await self.client.request(method, self.base + route, **options)

    async def sh(self, text: str) -> str:
        answer = await self.ask("POST", "/process/exec", {"command": "sh", "args": ["-c", text]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["exit_code"] == 0, answer.text
        return base64.b64decode(answer.json()["stdout_b64"]).decode()

    async def upload(self, kind: str, content: bytes, dest: str = "up") -> httpx2.Response:
        headers = {"content-type": f"application/{kind}"}
        return await self.ask("POST", f"/fs/upload_{kind}?dest_path={dest}", content=content, headers=headers)


@pytest.fixture
async def machine(stub_daemon: DaemonProcess) -> AsyncIterator[Machine]:
    session = await stub_daemon.create_session(machine=True, budget={"disk_bytes": 128 << 20})
    headers = {"x-api-key": stub_daemon.key}
    limits = httpx2.Limits(max_connections=100)
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30, limits=limits) as client:
        yield Machine(f"{stub_daemon.base_url}/v1/sessions/{session['id']}", client)


async def test_each_row_has_its_answer(machine: Machine) -> None:
    await machine.sh(PREPARE)
    wrong = []
    for row in ROWS:
        answer = await machine.ask(row.method, row.route, row.body)
        told = answer.json()
        if answer.status_code != row.status or (row.reason is not None and told.get("reason") != row.reason):
            wrong.append(f"{row} → {answer.status_code} {told.get('reason')} {told['detail']}")
    assert not wrong, "\n".join(wrong)


async def test_names_of_any_bytes_are_told_and_reached(machine: Machine) -> None:
    await machine.sh("printf one > \"$(printf 'a\\nb')\"; printf two > \"$(printf 'x\\377y')\"")
    entries = (await machine.ask("GET", "/fs/list_files?path=.")).json()
    names = {entry["name"]: entry.get("path_b64") for entry in entries}
    assert set(names) == {"a\nb", "x�y"}
    assert (await machine.ask("GET", "/fs/read_file", params={"path": "a\nb"})).content == b"one"
    encoded = names["x�y"]
    assert encoded is not None
    assert (await machine.ask("GET", "/fs/read_file", params={"path_b64": encoded})).content == b"two"
    packed = (await machine.ask("GET", "/fs/download_dir_zstd?path=.")).content
    assert (await machine.upload("zstd", packed)).status_code == 201
    assert (await machine.sh("cat up/*")).encode() in (b"onetwo", b"twoone")


@pytest.mark.promise("an-upload-is-whole")
async def test_hostile_archives_are_refused_with_a_reason_and_leave_nothing(machine: Machine) -> None:
    for kind, reason, content in hostile_archives():
        answer = await machine.upload(kind, content)
        assert answer.status_code == 400, (reason, answer.text)
        assert answer.json()["reason"] == reason, answer.text
    assert await machine.sh("ls -A /workspace /data/staging") == "/data/staging:\n\n/workspace:\n"


@pytest.mark.promise("an-upload-is-whole")
async def test_a_full_session_is_told_and_nothing_is_half_written(machine: Machine) -> None:
    await machine.sh("echo old > kept; head -c 128000000 /dev/zero > ballast")
    more = bytes(8 << 20)
    assert (await machine.ask("PUT", "/fs/write_file?path=kept", content=more)).status_code == 507
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("kept", b"new")
        opened.writestr("more", more)
    answer = await machine.upload("zip", archive.getvalue(), dest=".")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    form = {"files[0].file": ("x", b"new"), "files[1].file": ("y", more)}
    where = {"files[0].dest_path": "kept", "files[1].dest_path": "more"}
    assert (await machine.ask("POST", "/fs/upload", files=form, data=where)).status_code == 507
    assert await machine.sh("cat kept; ls -A") == "old\nballast\nkept\n"


async def test_a_session_of_the_usual_size_can_be_filled_and_lives_on(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(machine=True)
    assert session["budget"]["disk_bytes"] <= session["budget"]["memory_bytes"] // 2

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(4096):
            yield bytes(1 << 20)

    headers, path = {"x-api-key": stub_daemon.key}, f"{stub_daemon.base_url}/v1/sessions/{session['id']}"
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        answer = await client.put(f"{path}/fs/write_file?path=big", content=endless())
        assert answer.status_code == 507
        assert (await client.get(f"{path}/fs/list_files?path=.")).json() == []
        assert (await client.get(path)).json()["status"] == "ready"


async def test_a_thousand_streams_opened_and_dropped_leave_nothing(
    machine: Machine, stub_daemon: DaemonProcess
) -> None:
    spawned = await machine.ask("POST", "/process/spawn", {"command": "sh", "args": ["-c", "echo up; exec sleep 600"]})
    process_id = spawned.json()["process_id"]
    await machine.sh("echo line > log")
    routes = (f"/process/{process_id}/stdout/stream", "/logs/stream?source=path&path=log", "/logs/stream?source=agent")

    async def open_and_drop(number: int) -> int:
        async with machine.client.stream("GET", machine.base + routes[number % 3]) as answer:
            return answer.status_code

    before = await figures(machine)
    statuses: set[int] = set()
    for start in range(0, 1000, 20):
        statuses |= set(await asyncio.gather(*(open_and_drop(n) for n in range(start, start + 20))))
    assert statuses <= {200, 429} and 200 in statuses
    # What is left is closed as soon as the agent sees it; a stream that stayed would be there for good.
    async with asyncio.timeout(10):
        while (after := await figures(machine)) != before:
            await asyncio.sleep(0.05)
    assert after == before
    assert (await machine.ask("POST", f"/process/{process_id}/kill", {"signal": "KILL"})).status_code == 200


async def figures(machine: Machine) -> tuple[int, int]:
    """Descriptors and tasks of the agent, as it counts them itself."""
    descriptors = await machine.sh("ls /proc/$(pgrep -of cloche.agent.main)/fd | wc -l")
    told = (await machine.ask("GET", "/metrics?fresh=true")).json()
    return int(descriptors), int(told["goroutines"])


def hostile_archives() -> list[tuple[str, str, bytes]]:
    """Kind, the reason it must be refused for, and the archive."""
    found: list[tuple[str, str, bytes]] = []
    for name, reason in (
        ("../evil", "leaves_destination"),
        ("a/../../evil", "leaves_destination"),
        ("/evil", "absolute_name"),
    ):
        found += [("zip", reason, zip_of((name, b"x"))), ("zstd", reason, tar_of(tarfile.TarInfo(name)))]
    found.append(("zip", "duplicate_name", zip_of(("a", b"1"), ("./a", b"2"))))
    found.append(("zstd", "duplicate_name", tar_of(tarfile.TarInfo("a"), tarfile.TarInfo("a//"))))
    for target in ("/etc/passwd", "../../etc/passwd"):
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, target
        found.append(("zstd", "link_leaves", tar_of(link)))
    for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
        special = tarfile.TarInfo("special")
        special.type = kind
        found.append(("zstd", "special_file", tar_of(special)))
    found.append(("zip", "too_compressed", zip_of(("bomb", bytes(100 << 20)))))
    found.append(("zip", "bad_archive", zip_of(("a", b"x"))[:-30]))
    found.append(("zstd", "bad_archive", zstandard.compress(b"random bytes" * 100)))
    found.append(("zstd", "bad_archive", b"no zstd at all"))
    return found


def zip_of(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def tar_of(*entries: tarfile.TarInfo) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry)
    return zstandard.compress(made.getvalue())


def test_the_rows_name_every_route_of_the_machine() -> None:
    document = json.loads((Path(__file__).parents[1] / "data/openapi.json").read_text())
    wanted = {
        path.removeprefix("/v1/sessions/{session_id}")
        for path in document["paths"]
        if any(part in path for part in ("/process/", "/fs/", "/logs/", "/browser/"))
    }
    uploads = {"/fs/write_file", "/fs/upload", "/fs/upload_zip", "/fs/upload_zstd", "/browser/stop"}
    asked = {row.route.partition("?")[0] for row in ROWS}
    named = {
        route
        for route in wanted
        if any(
            len(one.split("/")) == len(route.split("/"))
            and all(b.startswith("{") or a == b for a, b in zip(one.split("/"), route.split("/"), strict=True))
            for one in asked
        )
    }
    assert wanted - named == uploads, "those are asked in the other tests here, and in test_machine_files"
