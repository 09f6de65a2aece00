"""Files and archives through the whole of it: HTTP, the daemon, a real agent in a real sandbox."""

import io
import tarfile
import zipfile
from typing import Any

import httpx2
import pytest
import zstandard

from cloche.testing.daemon import DaemonProcess

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
async def session(shared_daemon: DaemonProcess) -> dict[str, Any]:
    return await shared_daemon.create_session(machine=True, budget={"disk_bytes": 64 << 20})


class Files:
    """Requests to the files of a session, as an admin."""

    def __init__(self, daemon: DaemonProcess, session: dict[str, Any]) -> None:
        self._base = f"{daemon.base_url}/v1/sessions/{session['id']}/fs"
        self._headers = {"authorization": f"Bearer {daemon.key}"}

    async def ask(self, method: str, route: str, **options: Any) -> httpx2.Response:
        options["headers"] = self._headers | options.get("headers", {})
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            return await client.request(method, f"{self._base}/{route}", **options)


@pytest.fixture
def files(shared_daemon: DaemonProcess, session: dict[str, Any]) -> Files:
    return Files(shared_daemon, session)


def entries_of(packed: bytes) -> dict[str, bytes]:
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(plain), errors="surrogateescape") as tar:
        opened = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
        return {name.removeprefix("./"): file.read() for name, file in opened if file is not None}


async def test_a_file_is_written_read_in_parts_moved_and_deleted(files: Files) -> None:
    assert (await files.ask("PUT", "write_file?path=a/b&mode=600", content=CONTENT)).status_code == 201
    whole = await files.ask("GET", "read_file?path=/workspace/a/b")
    assert whole.status_code == 200 and whole.content == CONTENT
    for range_, part in (
        ("bytes=7-9", CONTENT[7:10]),
        ("bytes=-5", CONTENT[-5:]),
        ("bytes=1000000-", CONTENT[10**6 :]),
    ):
        headers = {"range": range_, "if-range": whole.headers["etag"]}
        answer = await files.ask("GET", "read_file?path=a/b", headers=headers)
        assert answer.status_code == 206 and answer.content == part
    beyond = await files.ask("GET", "read_file?path=a/b", headers={"range": f"bytes={len(CONTENT)}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{len(CONTENT)}"
    (entry,) = (await files.ask("GET", "list_files?path=a")).json()
    assert (entry["size_bytes"], entry["mode"], entry["is_dir"]) == (len(CONTENT), "-rw-------", False)
    assert (await files.ask("PUT", "move", json={"src_path": "a/b", "dest_path": "c"})).status_code == 200
    assert (await files.ask("GET", "read_file?path=a/b")).status_code == 404
    assert (await files.ask("PUT", "delete_file", json={"path": "c"})).status_code == 200
    assert (await files.ask("GET", "file_info?path=c")).status_code == 404
    assert (await files.ask("GET", "read_file?path=/etc/passwd")).json()["reason"] == "not_in_session"


async def test_a_directory_goes_round_by_either_kind_of_archive(files: Files) -> None:
    form = [("files[0].file", ("x", CONTENT)), ("files[1].file", ("x", b""))]
    uploaded = await files.ask(
        "POST", "upload", files=form, data={"files[0].dest_path": "d/one", "files[1].dest_path": "d/deep/two"}
    )
    assert uploaded.status_code == 201 and uploaded.json()["files"] == 2, uploaded.text
    wanted = {"one": CONTENT, "deep/two": b""}
    packed = (await files.ask("GET", "download_dir_zstd?path=d")).content
    assert entries_of(packed) == wanted
    zipped = (await files.ask("GET", "download_dir_zip?path=d")).content
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")} == wanted
    for route, type_, content in (("upload_zstd", "zstd", packed), ("upload_zip", "zip", zipped)):
        headers = {"content-type": f"application/{type_}"}
        answer = await files.ask("POST", f"{route}?dest_path=copy/{type_}", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        assert entries_of((await files.ask("GET", f"download_dir_zstd?path=copy/{type_}")).content) == wanted


async def test_what_does_not_fit_leaves_nothing(files: Files) -> None:
    async def too_much() -> Any:
        for _ in range(100):
            yield bytes(1 << 20)

    assert (await files.ask("PUT", "write_file?path=big", content=too_much())).status_code == 507
    packed = zstandard.compress(bytes(512)[:-1])  # no whole tar
    for content in (packed, packed[:-1], b"no archive"):
        headers = {"content-type": "application/zstd"}
        answer = await files.ask("POST", "upload_zstd?dest_path=d", content=content, headers=headers)
        assert answer.status_code == 400 and answer.json()["reason"] == "bad_archive"
    assert (await files.ask("GET", "list_files?path=.")).json() == []
