"""A watched directory, and a host that keeps a copy of it by nothing but the events it is told."""

import json
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.watch.changes import EXCLUDED, Timing
from cloche.agent.watch.inotify import CannotWatch, Source
from cloche.agent.watch.watcher import Watcher
from cloche.wire.ndjson import MAX_LINE_BYTES, encode

PATIENCE_S = 5.0
QUICK = Timing(quiet_s=0.004, longest_s=0.05, poll_s=0.02)

Payload = dict[str, Any]
Contents = dict[bytes, bytes | None]
"""By path: what is in a file (or where a symbolic link leads); None for a directory."""


def no_inotify() -> Source:
    raise CannotWatch(OSError(24, "too many of them"))


def look(root: Path) -> Contents:
    """What there is to be known of a directory."""
    contents: Contents = {b".": None}
    waiting = [os.fsencode(root)]
    while waiting:
        directory = waiting.pop()
        for entry in os.scandir(directory):
            path = os.path.relpath(entry.path, os.fsencode(root))
            if not entry.is_dir(follow_symlinks=False):
                contents[path] = content(entry.path)
            elif entry.name not in EXCLUDED:
                contents[path] = None
                waiting.append(entry.path)
    return contents


def content(path: bytes) -> bytes:
    try:
        if os.path.islink(path):
            return b"-> " + os.readlink(path)
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b"(gone)"


class Host:
    """Takes events one by one, strictly: each must be possible after those before."""

    def __init__(self, loop: Loop, root: Path) -> None:
        self._root = os.fsencode(root)
        self.told = Event(loop)
        self.takes = Event(loop)
        self.takes.set()
        self.events: list[Payload] = []
        self.copy: Contents = {}

    async def report(self, payload: Payload) -> None:
        await self.takes.wait()
        line = encode({"payload": payload})
        assert len(line) < MAX_LINE_BYTES
        self.take(json.loads(line)["payload"])

    def take(self, event: Payload) -> None:
        self.events.append(event)
        assert set(event) <= {"path", "operation", "is_dir", "old_path", "rescan", "reason"}
        path, is_dir = os.fsencode(event["path"]), event["is_dir"]
        getattr(self, f"_{event['operation']}")(path, is_dir, event)
        self.told.pulse()

    def rescans(self) -> list[str]:
        return [event["reason"] for event in self.events if event.get("rescan")]

    def short(self) -> list[str]:
        """The events in words: `create a/`, `rename a -> b`."""
        return [
            f"{e['operation']} "
            + (f"{e['old_path']} -> " if "old_path" in e else "")
            + f"{e['path']}{'/' * e['is_dir']}{' ' + e['reason'] if 'rescan' in e else ''}"
            for e in self.events
        ]

    def _create(self, path: bytes, is_dir: bool, event: Payload) -> None:
        assert path not in self.copy, f"created twice: {event}"
        assert path == b"." or self.copy.get(os.path.dirname(path) or b".", b"") is None, f"nowhere: {event}"
        self.copy[path] = None if is_dir else self._read(path)

    def _modify(self, path: bytes, is_dir: bool, event: Payload) -> None:
        if event.get("rescan"):
            assert (path, is_dir) == (b".", True)
            return
        assert self.copy.get(path, None) is not None and not is_dir, f"no such file: {event}"
        self.copy[path] = self._read(path)

    def _delete(self, path: bytes, is_dir: bool, event: Payload) -> None:
        assert path in self.copy, f"deleted what was not: {event}"
        assert is_dir == (self.copy[path] is None), f"a wrong kind: {event}"
        assert not any(other.startswith(path + b"/") for other in self.copy), f"not empty: {event}"
        assert path != b"." or len(self.copy) == 1
        del self.copy[path]

    def _rename(self, path: bytes, is_dir: bool, event: Payload) -> None:
        old = os.fsencode(event["old_path"])
        assert old in self.copy, f"renamed what was not: {event}"
        assert path not in self.copy, f"renamed over another: {event}"
        assert self.copy.get(os.path.dirname(path) or b".", b"") is None, f"nowhere: {event}"
        assert is_dir == (self.copy[old] is None), f"a wrong kind: {event}"
        moved = {p: c for p, c in self.copy.items() if p == old or p.startswith(old + b"/")}
        for name, what in moved.items():
            del self.copy[name]
            self.copy[path + name[len(old) :]] = what

    def _read(self, path: bytes) -> bytes:
        return content(os.path.join(self._root, path))


class Rig:
    """A loop, a directory, a host, a watcher. `run` a scenario: the watching goes on while it does."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.failures: list[str] = []
        self.loop = Loop(lambda name, error: self.failures.append(f"{name}: {error!r}"))
        self.host = Host(self.loop, root)
        options = {"timing": QUICK} | options
        self._log_fd, self._logged = os.memfd_create("log"), ""
        log = Log("debug", fd=self._log_fd)
        self.watcher = Watcher(self.loop, log, str(root), self.host.report, **options)

    def run(self, scenario: Callable[[], Coroutine[Any, Any, None]], *, enable: bool = True) -> None:
        async def main() -> None:
            watching = self.loop.spawn(self.watcher.run(), "workspace")
            self.watcher.enable(enable)
            try:
                await scenario()
            finally:
                await self.loop.stop(watching)

        try:
            self.loop.run(main())
            assert not self.failures
            assert "watching failed" not in self.log(), self.log()
        finally:
            self._logged = self.log()
            os.close(self._log_fd)
            self._log_fd = -1

    def log(self) -> str:
        return self._logged if self._log_fd < 0 else os.pread(self._log_fd, 1 << 20, 0).decode()

    async def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            try:
                await self.host.told.next(deadline)
            except TimeoutError:
                raise AssertionError(f"it never came to that; told: {self.host.short()[-20:]}") from None

    async def caught_up(self) -> None:
        """Wait until everything that has happened so far is told."""
        mark = self.root / ".mark"
        mark.touch()
        await self.until(lambda: b".mark" in self.host.copy)
        mark.unlink()
        await self.until(lambda: b".mark" not in self.host.copy)

    async def agrees(self) -> None:
        """Wait until the host's copy is what is on disk, and see that it stays so."""
        await self.caught_up()
        await self.until(lambda: self.host.copy == look(self.root))
        await self.caught_up()
        assert self.host.copy == look(self.root)
