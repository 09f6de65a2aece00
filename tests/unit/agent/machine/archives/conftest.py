"""Archives behind the agent's HTTP, and a client on the other end of a socket pair, on one loop."""

import io
import os
import socket
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from cloche.agent import streams
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.api import Loaded, MachineApi, Surroundings
from cloche.agent.machine.archives.api import ArchiveApi
from cloche.testing.agent_http import PATIENCE_S, Reply, StandInBrowser, b64, decode, encode, surroundings_of
from cloche.wire.agent_config import AgentConfig, BrowserConfig
from cloche.wire.upload import encode_begin, encode_data, encode_finish


class Session:
    """A workspace, a profile, a place for staging, and what asks for them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.workspace, self.profile, self.staging = base / "workspace", base / "profile", base / "staging"
        self.browser = StandInBrowser()
        self.logged = b""
        self.while_sending: Callable[[], None] = lambda: None
        """Called once the head of an answer has come."""
        self.leaves_early = False
        """The client hangs up with the first piece of an answer."""

    def download(self, kind: str, path: bytes, **query: bytes) -> Reply:
        return self.ask(encode("GET", f"/fs/download_dir_{kind}", query={"path": path} | query))

    def upload_archive(self, kind: str, archive: bytes, dest: bytes = b"/workspace/d", **options: Any) -> Reply:
        last = {"dest_b64": b64(dest)} | options
        return self.upload(kind, encode_begin(0) + encode_data(archive) + encode_finish(last))

    def upload_files(self, files: Mapping[bytes, bytes], **options: Any) -> Reply:
        body = b"".join(encode_begin(nth) + encode_data(data) for nth, data in enumerate(files.values()))
        wanted = [{"part": nth, "dest_b64": b64(dest)} | options for nth, dest in enumerate(files)]
        return self.upload("", body + encode_finish({"files": wanted}))

    def upload(self, kind: str, body: bytes, announced: int | None = None) -> Reply:
        route = f"/fs/upload_{kind}" if kind else "/fs/upload"
        return self.ask(encode("POST", route, body, announced=announced))

    def ask(self, request: bytes) -> Reply:
        failures: list[str] = []
        received = bytearray()
        loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
        log_fd = os.memfd_create("log")

        async def serve(connection: socket.socket) -> None:
            try:
                await MachineApi(self._surroundings(loop, Log("debug", fd=log_fd)), _load).serve(
                    connection, b"", on_head=lambda: None
                )
            except OSError:
                pass  # as the guest socket does: the answer was broken off, or the client was
            finally:
                connection.close()

        async def send(connection: socket.socket) -> None:
            try:
                await streams.send_all(loop, connection, request, time.monotonic() + PATIENCE_S)
                connection.shutdown(socket.SHUT_WR)
            except BrokenPipeError:
                pass  # it has been answered before all of it was read

        async def main() -> None:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            tasks = loop.spawn(serve(theirs), "test connection"), loop.spawn(send(ours), "test request")
            try:
                while data := await streams.receive(loop, ours, 1 << 18, time.monotonic() + PATIENCE_S):
                    if not received:
                        self.while_sending()
                    received.extend(data)
                    if self.leaves_early:
                        ours.close()
                        await tasks[0].done.wait(time.monotonic() + PATIENCE_S)
                        break
            finally:
                await loop.stop(*tasks)
                ours.close()

        try:
            loop.run(main())
            self.logged = os.pread(log_fd, 1 << 20, 0)
        finally:
            os.close(log_fd)
        assert not failures
        return decode(bytes(received))

    def cancel(self, request: bytes, when: Callable[[], bool]) -> None:
        """Begin a request, and cancel what answers it at some moment, as the end of the agent would."""
        loop = Loop(lambda name, error: None)
        log_fd = os.memfd_create("log")

        async def main() -> None:
            ours, theirs = socket.socketpair()
            theirs.setblocking(False)
            ours.setblocking(False)
            api = MachineApi(self._surroundings(loop, Log("debug", fd=log_fd)), _load)
            serving = loop.spawn(api.serve(theirs, b"", on_head=lambda: None), "test connection")
            await streams.send_all(loop, ours, request, time.monotonic() + PATIENCE_S)
            until = time.monotonic() + PATIENCE_S
            while not when():
                assert time.monotonic() < until
                await loop.sleep(0.001)
            await loop.stop(serving)
            ours.close()
            theirs.close()

        try:
            loop.run(main())
        finally:
            os.close(log_fd)

    def _surroundings(self, loop: Loop, log: Log) -> Surroundings:
        config = AgentConfig(
            session_id="s",
            token="t",
            workspace=str(self.workspace),
            machine=True,
            staging_dir=str(self.staging),
            browser=BrowserConfig(user_data_dir=str(self.profile)),
        )
        return surroundings_of(loop, log, config, self.browser)


def _load(surroundings: Surroundings) -> Loaded:
    return Loaded(ArchiveApi(surroundings).routes(), None)


def content(directory: Path, *, times: bool = True) -> dict[bytes, tuple[Any, ...]]:
    """Everything below a directory: its kind, and what makes it what it is; times in whole seconds."""
    found: dict[bytes, tuple[Any, ...]] = {}
    ahead = [b""]
    while ahead:
        below = ahead.pop()
        for name in os.listdir(os.path.join(os.fsencode(directory), below)):
            path = os.path.join(below, name)
            full = os.path.join(os.fsencode(directory), path)
            status = os.lstat(full)
            when = (int(status.st_mtime),) if times else ()
            if stat.S_ISLNK(status.st_mode):
                found[path] = ("link", os.readlink(full), *when)
            elif stat.S_ISDIR(status.st_mode):
                found[path] = ("directory", status.st_mode & 0o777, *when)
                ahead.append(path)
            elif stat.S_ISREG(status.st_mode):
                with open(full, "rb") as file:
                    found[path] = ("file", file.read(), status.st_mode & 0o777, *when)
            else:
                found[path] = ("other",)
    return found


def tar_of(*members: tuple[tarfile.TarInfo, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """Written entry by entry: `tarfile` itself would refuse some of what is needed here."""
    return b"".join(
        info.tobuf(format_, "utf-8", "surrogateescape") + data + bytes(-len(data) % 512) for info, data in members
    ) + bytes(1024)


def entry(name: str, data: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = 1_700_000_000
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for info, data in members:
            archive.writestr(info, data)
    return buffer.getvalue()


NAMES = (
    st.binary(min_size=1, max_size=120)
    .map(lambda name: name.replace(b"/", b"-").replace(b"\0", b"_"))
    .filter(lambda name: name not in (b".", b".."))
)
TIMES = st.integers(0, 2**31 - 1)
LEAVES = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=1000), st.integers(0, 0o777), TIMES),
    st.tuples(st.just("link"), NAMES),
)
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3), lambda below: st.dictionaries(NAMES, below | LEAVES, max_size=3)
)


def write_tree(directory: bytes, tree: object) -> None:
    os.mkdir(directory)
    assert isinstance(tree, dict)
    for name, item in tree.items():
        path = os.path.join(directory, name)
        if isinstance(item, dict):
            write_tree(path, item)
        elif item[0] == "link":
            os.symlink(item[1], path)
        else:
            with open(path, "wb") as file:
                file.write(item[1])
            os.chmod(path, item[2] | 0o400)
            os.utime(path, (0, item[3]))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(tmp_path)
    for directory in (session.workspace, session.profile, session.staging):
        directory.mkdir()
    (tmp_path / "canary").write_text("untouched")
    yield session
    assert (tmp_path / "canary").read_text() == "untouched"
    assert not list(session.staging.iterdir()), "something of an upload was left behind"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary", "profile", "staging", "workspace"]
