"""Which parts of a user-data directory are left out, and which never are."""

import io
import tarfile

import pytest

from cloche.agent.machine.archives.profile_caches import CACHES

from .conftest import Session

KEPT = (
    "Local State",
    "Default/Cookies",
    "Default/Preferences",
    "Default/IndexedDB/http_a.test_0.indexeddb.leveldb/000003.log",
    "Default/Local Storage/leveldb/000003.log",
    "Default/Session Storage/000003.log",
    "Default/Service Worker/CacheStorage/x/index.txt",
    "Default/Service Worker/Database/000003.log",
    "Default/Service Worker/ScriptCache/2cc80dabc69f58b6_0",
    "Default/WebStorage/QuotaManager",
    "Default/File System/000/t/00/00000000",
    "Default/Extensions/abc/1.0/Cache/own.js",
    "cloche-tabs.json",
)
LEFT_OUT = (
    "BrowserMetrics/BrowserMetrics-1.pma",
    "Crashpad/settings.dat",
    "DevToolsActivePort",
    "GrShaderCache/data_0",
    "Safe Browsing/UrlSoceng.store",
    "component_crx_cache/abc",
    "Default/Cache/Cache_Data/index",
    "Default/Code Cache/js/index",
    "Default/DawnWebGPUCache/data_0",
    "Default/GPUCache/data_0",
    "Default/blob_storage/1/2",
    "SingletonLock",
)


def test_caches_are_left_out_and_what_pages_would_miss_is_not(session: Session) -> None:
    for name in (*KEPT, *LEFT_OUT):
        path = session.profile / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    reply = session.download("tar", b"/profile", without=b"caches")
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as tar:
        assert {member.name for member in tar if member.isfile()} == set(KEPT)


def test_below_another_directory_nothing_is_left_out_by_its_path(session: Session) -> None:
    path = session.workspace / "copy" / "Default" / "Cache"
    path.mkdir(parents=True)
    reply = session.download("tar", b"/workspace", without=b"caches")
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as tar:
        assert "copy/Default/Cache" in tar.getnames()


@pytest.mark.parametrize("without", [b"Caches", b"cookies", b"\xff"])
def test_nothing_else_can_be_left_out(session: Session, without: bytes) -> None:
    assert session.download("tar", b"/profile", without=without).status == 400


def test_every_path_is_at_the_top_or_in_the_profile() -> None:
    assert {len(path.split(b"/")) for path in CACHES} == {1, 2}
    assert {path.split(b"/")[0] for path in CACHES if b"/" in path} == {b"Default"}
