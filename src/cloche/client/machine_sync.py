"""A session as a small machine, synchronously: `client.sessions.machine(session_id)`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Unpack

from cloche.client import machine_calls as calls
from cloche.client.machine_answers import (
    BrowserStart,
    BrowserStop,
    FileEntry,
    LogLine,
    Output,
    Parts,
    ProgramList,
    ProgramStatus,
    Run,
    Spawned,
    Uploaded,
)
from cloche.client.machine_calls import BrowserChange, ProgramOptions, read_event

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient


class Machine:
    """Programs, files, logs and the browser of one session made with `machine`."""

    def __init__(self, client: "SyncClient", session_id: str) -> None:
        self._client, self._id = client, session_id

    def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        kill_on_disconnect: bool = False,
        **options: Unpack[ProgramOptions],
    ) -> Run:
        """Run a program to its end, or to its timeout, which kills it and is no error (`timed_out`)."""
        call = calls.exec_(self._id, argv, stdin=stdin, kill_on_disconnect=kill_on_disconnect, options=options)
        return self._client.send(call)

    def spawn(
        self, argv: Sequence[str], *, tty: tuple[int, int] | None = None, **options: Unpack[ProgramOptions]
    ) -> Spawned:
        """Start a program and leave it running; `tty` gives it a terminal of so many rows and columns."""
        return self._client.send(calls.spawn(self._id, argv, tty=tty, options=options))

    def programs(self) -> ProgramList:
        return self._client.send(calls.programs(self._id))

    def status(self, process_id: str) -> ProgramStatus:
        return self._client.send(calls.program_status(self._id, process_id))

    def write_stdin(self, process_id: str, data: bytes, *, eof: bool = False) -> None:
        self._client.send(calls.write_stdin(self._id, process_id, data, eof=eof))

    def kill(self, process_id: str, signal: str = "TERM") -> None:
        """Signal the program and all it has started."""
        self._client.send(calls.kill(self._id, process_id, signal))

    def output(self, process_id: str, *, offset: int = 0) -> Iterator[Output]:
        """What it has printed and prints, to its end."""
        for data in self._client.stream_data(calls.stream_output(self._id, process_id, offset=offset)):
            yield read_event(Output, data)

    def logs(
        self, source: str, *, path: str | None = None, follow: bool = True, tail: int | None = None
    ) -> Iterator[LogLine]:
        """Lines of `browser`, `agent`, `supervisor`, or of the file `path` (source `path`)."""
        call = calls.stream_logs(self._id, source, path=path, follow=follow, tail=tail)
        for data in self._client.stream_data(call):
            yield read_event(LogLine, data)

    def read_file(self, path: str) -> bytes:
        return self._client.send(calls.read_file(self._id, path))

    def read_pieces(self, path: str) -> Iterator[bytes]:
        """The same, piece by piece."""
        yield from self._client.stream_bytes(calls.read_file(self._id, path))

    def write_file(self, path: str, content: bytes | Iterable[bytes], *, mode: str = "644") -> None:
        """The whole file or nothing of it."""
        self._client.send(calls.write_file(self._id, path, mode=mode), content=content)

    def list_files(self, path: str = "/workspace") -> list[FileEntry]:
        return self._client.send(calls.list_files(self._id, path))

    def file_info(self, path: str) -> FileEntry:
        return self._client.send(calls.file_info(self._id, path))

    def create_directory(self, path: str) -> None:
        self._client.send(calls.create_directory(self._id, path))

    def delete_file(self, path: str) -> None:
        self._client.send(calls.delete_file(self._id, path))

    def delete_directory(self, path: str) -> None:
        """With all that is in it."""
        self._client.send(calls.delete_directory(self._id, path))

    def move(self, source: str, destination: str) -> None:
        self._client.send(calls.move(self._id, source, destination))

    def download(self, path: str, *, is_zip: bool = False) -> Iterator[bytes]:
        """A directory as tar.zst, or as zip, piece by piece."""
        yield from self._client.stream_bytes(calls.download(self._id, path, is_zip=is_zip))

    def upload(
        self, path: str, archive: bytes | Iterable[bytes], *, is_zip: bool = False, replace: bool = False
    ) -> Uploaded:
        """Unpack a tar.zst, or a zip, into a directory: all of it or nothing."""
        call = calls.upload(self._id, path, is_zip=is_zip, replace=replace)
        return self._client.send(call, content=archive)

    def parts(self) -> Parts:
        """Who runs in the session."""
        return self._client.send(calls.parts(self._id))

    def restart_browser(self, **change: Unpack[BrowserChange]) -> BrowserStart:
        """Stop the browser with all it has to keep written, apply the change, start it. All of it or nothing."""
        return self._client.send(calls.restart_browser(self._id, change))

    def stop_browser(self) -> BrowserStop:
        return self._client.send(calls.stop_browser(self._id))

    def start_browser(self) -> BrowserStart:
        return self._client.send(calls.start_browser(self._id))
