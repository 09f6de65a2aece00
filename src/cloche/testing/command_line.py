"""The command line as a person runs it: a process of its own, without this one's CLOCHE_* settings."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_S: Final = 30.0


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def cloche(*arguments: str, stdin: bytes | None = None, **environment: str) -> Outcome:
    """Run `cloche` to its end with `stdin`, by default an empty one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloche.cli.main", *arguments),
        env=surroundings() | environment,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), TIMEOUT_S)
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode(), err.decode())


async def cloche_on_a_terminal(*arguments: str) -> bytes:
    """Run `cloche` with a terminal on all three descriptors; return what it showed there, CR before each LF."""
    terminal, far_end = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloche.cli.main", *arguments),
            env=surroundings(),
            stdin=far_end,
            stdout=far_end,
            stderr=far_end,
        )
    finally:
        os.close(far_end)
    try:
        return await asyncio.wait_for(asyncio.to_thread(_read_to_end, terminal), TIMEOUT_S)
    finally:
        await process.wait()
        os.close(terminal)


def surroundings() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLOCHE_")}
    return kept | {"NO_COLOR": "1", "COLUMNS": "200"}


def _read_to_end(terminal: int) -> bytes:
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # EIO: the last one to hold the far end has closed it (pty(7))
            return shown
        if not data:
            return shown
        shown += data
