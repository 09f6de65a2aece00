"""A loop, a directory for drop-ins that is ours alone, and a wait for what commands do."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloche.agent.loop import Loop

PATIENCE_S = 5.0


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop in which no task may fail."""
    failures: list[str] = []
    loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
    yield loop
    loop._epoll.close()  # of one that no test has run
    assert not failures


class DropInDirectory:
    """What `--config-dir` names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in (root, root / "integrations.d", root / "probes.d"):
            folder.mkdir(mode=0o755)

    def write(self, folder: str, file_name: str, content: object, mode: int = 0o644) -> Path:
        """Write one file: JSON of what is not bytes."""
        path = self.root / folder / file_name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        path.chmod(mode)
        return path

    def integration(self, name: str, **keys: object) -> Path:
        return self.write("integrations.d", f"{name}.json", {"name": name, **keys})

    def probe(self, name: str, cmd: str, **keys: object) -> Path:
        return self.write("probes.d", f"{name}.json", {"name": name, "cmd": cmd, **keys})


@pytest.fixture
def drop_ins(tmp_path: Path) -> Iterator[DropInDirectory]:
    before = os.umask(0o022)
    yield DropInDirectory(tmp_path / "config")
    os.umask(before)


class Until:
    """Waits on the loop for what a command does in a process of its own."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    async def __call__(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to that"
            await self._loop.sleep(0.005)


@pytest.fixture
def until(loop: Loop) -> Until:
    return Until(loop)
