"""Saves a profile in a child process that is killed before its n-th step, for each n that is asked for.

    STATE_KEY=<hex> python -m cloche.testing.dying_save <database file> <directory> <profile id> <bytes>

reads numbers from its standard input. For each it forks a child that saves `payload_of` the next revision and, before
its n-th file or database operation, kills itself; then it prints `killed` or, where there are fewer steps, `saved`.
Everything is imported once, so that a step costs a fork.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event

from cloche.clock import SystemClock
from cloche.ids import ProfileId
from cloche.profiles.model import ProfileForm
from cloche.profiles.store import ProfileStore
from cloche.storage.database import Database
from cloche.testing.profile_store import LIMITS, in_pieces, payload_of
from cloche.vault.keyring import KeySource, LiveKeyring
from cloche.vault.keys import Keyring, StateKey

STEPS: Final = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir")
STATEMENTS: Final = ("before_cursor_execute", "commit")


def main() -> None:
    database, directory, profile_id, size = sys.argv[1:]
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _save(int(line), Path(database), Path(directory), ProfileId(profile_id), int(size))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            print("killed", flush=True)  # noqa: T201 - the answer
        else:
            print("saved" if status == 0 else f"status {status}", flush=True)  # noqa: T201


def _save(deadly: int, database: Path, directory: Path, profile_id: ProfileId, size: int) -> None:
    status = 1
    try:
        asyncio.run(_saved(deadly, database, directory, profile_id, size))
        status = 0
    finally:
        os._exit(status)


async def _saved(deadly: int, database_file: Path, directory: Path, profile_id: ProfileId, size: int) -> None:
    database = await Database.open(f"sqlite:///{database_file}")
    keyring = Keyring(StateKey.from_bytes(bytes.fromhex(os.environ["STATE_KEY"])))
    store = ProfileStore(database, directory, LiveKeyring(KeySource(), keyring), SystemClock(), LIMITS)
    revision = (await store.get(profile_id)).revision + 1
    _count(deadly)
    await store.save(
        profile_id,
        None,
        form=ProfileForm.DIRECTORY,
        engine="shell",
        manifest=b"{}",
        body=in_pieces(payload_of(revision, size)),
    )


def _count(deadly: int) -> None:
    steps = 0

    def step(*_: Any, **__: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            step()
            return function(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    for name in STATEMENTS:
        event.listen(Engine, name, step)


if __name__ == "__main__":
    main()
