"""Whole requests, from HTTP to the files and back."""

import io
import os
import socket
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from cloche.agent.machine.archives import api
from cloche.wire.upload import encode_begin, encode_data

from .conftest import TREES, Session, content, entry, tar_of, write_tree, zip_of

KINDS = ["zip", "tar"]


def fill(directory: Path) -> None:
    """A bit of everything that an archive can hold."""
    for name in ("empty", "full/deep/er"):
        (directory / name).mkdir(parents=True)
    (directory / "full/small").write_bytes(b"some text " * 100)
    (directory / "full/none").write_bytes(b"")
    (directory / "full/large-random").write_bytes(os.urandom(700_001))
    (directory / "full/large-text").write_bytes(b"line of text\n" * 50_000)
    (directory / "full/deep/er/random").write_bytes(os.urandom(70_000))
    os.symlink("../small", directory / "full/deep/link")
    os.symlink("nowhere", directory / "dangling")
    with open(os.fsencode(directory) + b"/line\nbreak-\xff\xfe", "wb") as file:
        file.write(b"a name that is no text")
    (directory / "ünïcödé ☃").write_text("a name that is")
    (directory / ("long" * 60)).mkdir()
    (directory / ("long" * 60) / ("name" * 50)).write_text("longer than a hundred bytes")
    os.symlink("t" * 200, directory / "long-target")
    (directory / "full/small").chmod(0o751)
    (directory / "full/deep").chmod(0o710)
    for path in (directory / "full/small", directory / "full/deep"):
        os.utime(path, (1_234_567_890, 1_234_567_890))


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_down_comes_back_up_as_it_was(session: Session, kind: str) -> None:
    (session.workspace / "a").mkdir()
    fill(session.workspace / "a")
    reply = session.download(kind, b"/workspace/a")
    assert (reply.status, reply.is_whole) == (200, True)
    answer = session.upload_archive(kind, reply.body, b"/workspace/b/c")
    assert (answer.status, answer.json["notes"]) == (201, [])
    assert content(session.workspace / "b/c") == content(session.workspace / "a")
    files = [item for item in content(session.workspace / "a").values() if item[0] != "directory"]
    assert answer.json["files"] == len(files)
    assert answer.json["bytes"] == sum(len(item[1]) for item in files if item[0] == "file")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_directory_gives_the_same_bytes(session: Session, kind: str) -> None:
    fill(session.workspace)
    assert session.download(kind, b".").body == session.download(kind, b"/workspace").body


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_tree_survives_the_way_down_and_up(session: Session, kind: str, tree: object) -> None:
    with tempfile.TemporaryDirectory(dir=session.workspace) as directory:
        write_tree(os.fsencode(directory) + b"/a", tree)
        name = os.fsencode(os.path.basename(directory))
        reply = session.download(kind, name + b"/a")
        answer = session.upload_archive(kind, reply.body, name + b"/b", replace=True)
        assert answer.status == 201, answer.json
        assert content(Path(directory, "b")) == content(Path(directory, "a"))


def extracted(command: list[str], archive: bytes, target: Path) -> dict[bytes, tuple[object, ...]]:
    target.mkdir()
    (target / "archive").write_bytes(archive)
    done = subprocess.run(command, cwd=target, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    (target / "archive").unlink()
    return content(target)


def test_gnu_tar_reads_what_is_sent(session: Session, tmp_path: Path) -> None:
    fill(session.workspace)
    with tempfile.TemporaryDirectory() as directory:
        found = extracted(["tar", "-xpf", "archive"], session.download("tar", b".").body, Path(directory, "t"))
    assert found == content(session.workspace)


def test_unzip_reads_what_is_sent(session: Session, tmp_path: Path) -> None:
    fill(session.workspace)
    os.unlink(os.fsencode(session.workspace) + b"/line\nbreak-\xff\xfe")  # unzip takes out what does not print
    with tempfile.TemporaryDirectory() as directory:
        found = extracted(["unzip", "-q", "archive"], session.download("zip", b".").body, Path(directory, "t"))
    expected = content(session.workspace)
    for path, item in expected.items():
        if item[0] == "link":  # it gives links the time of their making
            assert found.pop(path)[:2] == item[:2]
        else:
            assert found.pop(path) == item
    assert not found


def test_pythons_own_readers_read_what_is_sent(session: Session) -> None:
    fill(session.workspace)
    os.mkfifo(session.workspace / "pipe")
    with tarfile.open(fileobj=io.BytesIO(session.download("tar", b".").body)) as archive:
        assert len(archive.getmembers()) == len(content(session.workspace))
        assert archive.getmembers()[-1].name == "."
        assert archive.pax_headers["comment"] == "skipped: pipe: neither a file, a directory nor a link"
    with zipfile.ZipFile(io.BytesIO(session.download("zip", b".").body)) as zipped:
        assert zipped.testzip() is None
        assert zipped.comment == b"skipped: pipe: neither a file, a directory nor a link"
        link = zipped.getinfo("full/deep/link")
        assert stat.S_ISLNK(link.external_attr >> 16)
        assert zipped.read(link) == b"../small"


def test_what_is_neither_file_directory_nor_link_is_noted_and_skipped(session: Session) -> None:
    os.mkfifo(session.workspace / "pipe")
    (session.workspace / "file").write_text("there")
    here = os.getcwd()
    os.chdir(session.workspace)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)
    with zipfile.ZipFile(io.BytesIO(session.download("zip", b".").body)) as zipped:
        assert zipped.namelist() == ["file"]
        assert zipped.comment.count(b"skipped: ") == 2
    reply = session.download("tar", b".")
    assert session.upload_archive("tar", reply.body).json["files"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_shrinks_while_it_is_sent_does_not_spoil_the_archive(session: Session, kind: str) -> None:
    big, after = session.workspace / "big", session.workspace / "next"
    big.write_bytes(os.urandom(8 << 20))
    after.write_text("what comes next")
    session.while_sending = lambda: os.truncate(big, 1 << 20)
    reply = session.download(kind, b".")
    assert reply.is_whole
    assert b"changed: big: it has shrunk" in reply.body
    answer = session.upload_archive(kind, reply.body)
    assert answer.status == 201
    assert (session.workspace / "d/next").read_text() == "what comes next"
    sent = (session.workspace / "d/big").read_bytes()
    assert sent.rstrip(b"\0") == big.read_bytes()[: len(sent.rstrip(b"\0"))]
    if kind == "tar":
        assert len(sent) == 8 << 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_grows_while_it_is_sent_is_cut(session: Session, kind: str) -> None:
    big = session.workspace / "big"
    big.write_bytes(os.urandom(4 << 20))
    before = big.read_bytes()
    session.while_sending = lambda: os.truncate(big, 9 << 20)
    assert session.upload_archive(kind, session.download(kind, b".").body).status == 201
    assert (session.workspace / "d/big").read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"", "400 invalid_request"),
        (b"missing", "404 not_found"),
        (b"file", "400 not_a_directory"),
        (b"/etc", "400 not_in_session"),
        (b"..", "400 leaves_root"),
        (b"out", "400 leaves_root"),
    ],
)
def test_what_is_no_directory_of_the_session_is_not_sent(session: Session, kind: str, path: bytes, code: str) -> None:
    (session.workspace / "file").write_text("no directory")
    os.symlink("/etc", session.workspace / "out")
    assert session.download(kind, path).refusal == code


def test_the_level_of_packing_can_be_chosen(session: Session) -> None:
    (session.workspace / "text").write_bytes(b"a line of text\n" * 10_000)
    sizes = [len(session.download("zip", b".", level=level).body) for level in (b"0", b"1", b"9")]
    assert sizes[0] > 150_000 > sizes[1] >= sizes[2]
    assert session.download("zip", b".", level=b"10").status == 400


def test_what_does_not_shrink_is_not_packed(session: Session) -> None:
    (session.workspace / "small").write_bytes(os.urandom(1000))
    (session.workspace / "large").write_bytes(os.urandom(1 << 20))
    with zipfile.ZipFile(io.BytesIO(session.download("zip", b".").body)) as zipped:
        assert zipped.getinfo("small").compress_type == zipfile.ZIP_STORED
        assert 0 <= zipped.getinfo("large").compress_size - (1 << 20) < 200


def test_chromiums_marks_of_a_profile_in_use_stay_where_they_are(session: Session) -> None:
    (session.profile / "Default").mkdir()
    (session.profile / "Default/Cookies").write_text("cookies")
    os.symlink("host-1", session.profile / "SingletonLock")
    os.symlink("/tmp/elsewhere", session.profile / "SingletonSocket")
    for kind in KINDS:
        reply = session.download(kind, b"/profile")
        assert b"Singleton" not in reply.body
    archive = tar_of(
        entry("SingletonLock", type=tarfile.SYMTYPE, linkname="host-2"),
        entry("SingletonSocket", type=tarfile.SYMTYPE, linkname="/tmp/x"),
        entry("Default/Cookies", b"new"),
    )
    answer = session.upload_archive("tar", archive, b"/profile")
    assert answer.json["files"] == 1
    assert len(answer.json["notes"]) == 2
    assert os.readlink(session.profile / "SingletonLock") == "host-1"
    assert (session.profile / "Default/Cookies").read_text() == "new"
    # Elsewhere only what would lead out is dropped.
    assert session.upload_archive("tar", archive, b"copy").json["files"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_profile_is_read_any_time_and_written_only_while_no_browser_runs(session: Session, kind: str) -> None:
    (session.profile / "state").write_text("before")
    session.browser.is_alive = True
    reply = session.download(kind, b"/profile")
    assert reply.status == 200
    assert session.upload_archive(kind, reply.body, b"/profile").refusal == "409 browser_running"
    assert session.upload_files({b"a": b"x", b"/profile/state": b"after"}).refusal == "409 browser_running"
    assert content(session.workspace) == {}
    session.browser.is_alive = False
    assert session.upload_archive(kind, reply.body, b"/profile").status == 201


def test_many_files_are_put_in_place_together(session: Session) -> None:
    (session.workspace / "old").write_text("old")
    answer = session.upload_files({b"old": b"new", b"x/y/z": b"deep", b"/profile/p": b"profile"}, mode="600")
    assert (answer.status, answer.json) == (201, {"files": 3, "bytes": 14, "notes": []})
    assert (session.workspace / "old").read_text() == "new"
    assert (session.workspace / "x/y/z").read_text() == "deep"
    assert (session.profile / "p").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({b"new/a": b"", b"directory": b"x"}, "409 in_the_way"),
        ({b"new/a": b"", b"file/below": b"x"}, "409 in_the_way"),
        ({b"new/a": b"", b"new/b/../a": b"x"}, "400 duplicate_name"),
        ({b"file": b"1", b"./file": b"2"}, "400 duplicate_name"),
        ({b"file": b"1", b"directory/../file": b"2"}, "400 duplicate_name"),
        ({b"new/a": b"", b"/etc/passwd": b"x"}, "400 not_in_session"),
        ({b"new/a": b"", b"/workspace": b"x"}, "400 is_root"),
        ({b"new/a": b"", b"../b": b"x"}, "400 leaves_root"),
        ({b"new/a": b"", b"out/b": b"x"}, "400 leaves_root"),
    ],
)
def test_of_many_files_none_stays_if_one_cannot_be_put_in_place(
    session: Session, files: dict[bytes, bytes], code: str
) -> None:
    (session.workspace / "directory").mkdir()
    (session.workspace / "file").write_text("old")
    os.symlink("..", session.workspace / "out")
    before = content(session.workspace, times=False)
    assert session.upload_files(files).refusal == code
    assert content(session.workspace, times=False) == before


def test_a_link_in_the_destination_is_replaced_and_never_written_through(session: Session, tmp_path: Path) -> None:
    for name in ("file", "archived"):
        os.symlink(tmp_path / "canary", session.workspace / name)
    assert session.upload_files({b"file": b"new"}).status == 201
    assert session.upload_archive("tar", tar_of(entry("archived", b"new")), b".").status == 201
    assert (session.workspace / "file").read_text() == (session.workspace / "archived").read_text() == "new"


def test_a_link_where_the_archive_has_a_directory_is_in_the_way(session: Session, tmp_path: Path) -> None:
    os.symlink(tmp_path, session.workspace / "sub")
    for kind, archive in (("tar", tar_of(entry("sub/canary", b"x"))), ("zip", zip_of(("sub/canary", b"x")))):
        assert session.upload_archive(kind, archive, b".").refusal == "409 in_the_way"


def test_an_upload_that_is_broken_off_changes_nothing(session: Session) -> None:
    body = encode_begin(0) + encode_data(tar_of(entry("a", b"x")))
    assert session.upload("tar", body).refusal == "400 bad_upload"
    assert session.upload("tar", body, announced=len(body) + 10).refusal == "400 broken_off"
    assert session.upload("tar", b"\x09\x00\x00\x00\x00").refusal == "400 bad_upload"
    assert session.upload("tar", body + encode_begin(1)).refusal == "400 bad_upload"
    assert content(session.workspace) == {}


def test_what_an_earlier_life_left_in_staging_is_cleared_away(session: Session) -> None:
    old = session.staging / "upload-0123"
    (old / "tree/locked").mkdir(parents=True)
    (old / "tree/locked/file").write_text("left behind")
    (old / "tree/locked").chmod(0)
    assert session.upload_files({b"a": b"x"}).status == 201
    assert not old.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_hangs_up_ends_its_download_and_nothing_stays_open(session: Session, kind: str) -> None:
    (session.workspace / "deep/er").mkdir(parents=True)
    (session.workspace / "deep/er/file").write_bytes(os.urandom(8 << 20))
    session.leaves_early = True
    reply = session.download(kind, b".")
    assert (reply.status, reply.is_whole) == (200, False)


def test_an_agent_that_ends_while_an_upload_comes_in_clears_it_away(session: Session) -> None:
    archive = tar_of(entry("a", b"x" * 3_000_000))
    request = (
        b"POST /fs/upload_tar HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n" + encode_begin(0) + encode_data(archive)
    )

    def is_unpacking() -> bool:
        return any(path.stat().st_size > 1_000_000 for path in session.staging.glob("upload-*/tree/a"))

    session.cancel(request, when=is_unpacking)
    assert content(session.workspace) == {}


def test_more_uploads_than_a_few_at_once_are_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_UPLOADS", 0)
    assert session.upload_files({b"a": b"x"}).refusal == "429 busy"
