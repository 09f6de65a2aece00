"""A session as a small machine, asynchronously: `client.sessions.machine(session_id)`."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
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
    from cloche.client.aio import Client


class Machine:
    """Programs, files, logs and the browser of one session made with `machine`."""

    def __init__(self, client: "Client", session_id: str) -> None:
        self._client, self._id = client, session_id

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        kill_on_disconnect: bool = False,
        **options: Unpack[ProgramOptions],
    ) -> Run:
        """Run a program to its end, or to its timeout, which kills it and is no error (`timed_out`)."""
        call = calls.exec_(self._id, argv, stdin=stdin, kill_on_disconnect=kill_on_disconnect, options=options)
        return await self._client.send(call)

    async def spawn(
        self, argv: Sequence[str], *, tty: tuple[int, int] | None = None, **options: Unpack[ProgramOptions]
    ) -> Spawned:
        """Start a program and leave it running; `tty` gives it a terminal of so many rows and columns."""
        return await self._client.send(calls.spawn(self._id, argv, tty=tty, options=options))

    async def programs(self) -> ProgramList:
        return await self._client.send(calls.programs(self._id))

    async def status(self, process_id: str) -> ProgramStatus:
        return await self._client.send(calls.program_status(self._id, process_id))

    async def write_stdin(self, process_id: str, data: bytes, *, eof: bool = False) -> None:
        await self._client.send(calls.write_stdin(self._id, process_id, data, eof=eof))

    async def kill(self, process_id: str, signal: str = "TERM") -> None:
        """Signal the program and all it has started."""
        await self._client.send(calls.kill(self._id, process_id, signal))

    async def output(self, process_id: str, *, offset: int = 0) -> AsyncGenerator[Output]:
        """What it has printed and prints, to its end."""
        async for data in self._client.stream_data(calls.stream_output(self._id, process_id, offset=offset)):
            yield read_event(Output, data)

    async def logs(
        self, source: str, *, path: str | None = None, follow: bool = True, tail: int | None = None
    ) -> AsyncGenerator[LogLine]:
        """Lines of `browser`, `agent`, `supervisor`, or of the file `path` (source `path`)."""
        call = calls.stream_logs(self._id, source, path=path, follow=follow, tail=tail)
        async for data in self._client.stream_data(call):
            yield read_event(LogLine, data)

    async def read_file(self, path: str) -> bytes:
        return await self._client.send(calls.read_file(self._id, path))

    async def read_pieces(self, path: str) -> AsyncGenerator[bytes]:
        """The same, piece by piece."""
        async for piece in self._client.stream_bytes(calls.read_file(self._id, path)):
            yield piece

    async def write_file(self, path: str, content: bytes | AsyncIterable[bytes], *, mode: str = "644") -> None:
        """The whole file or nothing of it."""
        await self._client.send(calls.write_file(self._id, path, mode=mode), content=content)

    async def list_files(self, path: str = "/workspace") -> list[FileEntry]:
        return await self._client.send(calls.list_files(self._id, path))

    async def file_info(self, path: str) -> FileEntry:
        return await self._client.send(calls.file_info(self._id, path))

    async def create_directory(self, path: str) -> None:
        await self._client.send(calls.create_directory(self._id, path))

    async def delete_file(self, path: str) -> None:
        await self._client.send(calls.delete_file(self._id, path))

    async def delete_directory(self, path: str) -> None:
        """With all that is in it."""
        await self._client.send(calls.delete_directory(self._id, path))

    async def move(self, source: str, destination: str) -> None:
        await self._client.send(calls.move(self._id, source, destination))

    async def download(self, path: str, *, is_zip: bool = False) -> AsyncGenerator[bytes]:
        """A directory as tar.zst, or as zip, piece by piece."""
        async for piece in self._client.stream_bytes(calls.download(self._id, path, is_zip=is_zip)):
            yield piece

    async def upload(
        self, path: str, archive: bytes | AsyncIterable[bytes], *, is_zip: bool = False, replace: bool = False
    ) -> Uploaded:
        """Unpack a tar.zst, or a zip, into a directory: all of it or nothing."""
        call = calls.upload(self._id, path, is_zip=is_zip, replace=replace)
        return await self._client.send(call, content=archive)

    async def parts(self) -> Parts:
        """Who runs in the session."""
        return await self._client.send(calls.parts(self._id))

    async def restart_browser(self, **change: Unpack[BrowserChange]) -> BrowserStart:
        """Stop the browser with all it has to keep written, apply the change, start it. All of it or nothing."""
        return await self._client.send(calls.restart_browser(self._id, change))

    async def stop_browser(self) -> BrowserStop:
        return await self._client.send(calls.stop_browser(self._id))

    async def start_browser(self) -> BrowserStart:
        return await self._client.send(calls.start_browser(self._id))
