"""Where the state key comes from: a setting, a file or a command; read at start, and again when it is rotated.

A file, and what a command prints, is lines: the first is the key that wraps from here on, those below it earlier ones
that still open. Empty lines and lines that begin with `#` count for nothing.
"""

import asyncio
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from cloche.concurrency.tasks import spawn
from cloche.errors import InvalidError
from cloche.vault.keys import Keyring, StateKey
from cloche.vault.sealed import KEY_BYTES

MAX_SOURCE_BYTES: Final = 64 * 1024
MAX_KEYS: Final = 64
COMMAND_TIMEOUT_S: Final = 30.0
COMMAND_ENV: Final[Mapping[str, str]] = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

_log = structlog.get_logger(__name__)


def new_data_key() -> bytes:
    """32 random bytes, for one profile or artifact."""
    return secrets.token_bytes(KEY_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """At most one of the three; none: there is no state key, and what needs one is off."""

    text: str | None = None
    file: Path | None = None
    command: str | None = None

    def __repr__(self) -> str:
        return "KeySource()"

    @property
    def is_given(self) -> bool:
        return self.text is not None or self.file is not None or self.command is not None

    def read(self) -> Keyring | None:
        """Blocks for as long as a command takes. Raises: InvalidError, which repeats nothing of what was read."""
        if sum(given is not None for given in (self.text, self.file, self.command)) > 1:
            raise InvalidError(
                "set one of CLOCHE_STATE_KEY, CLOCHE_STATE_KEY_FILE and CLOCHE_STATE_KEY_COMMAND",
                field="CLOCHE_STATE_KEY",
            )
        if self.text is not None:
            return Keyring(StateKey.parse(self.text))
        if self.file is not None:
            return _keyring_of(_read_file(self.file), "CLOCHE_STATE_KEY_FILE")
        if self.command is not None:
            return _keyring_of(_run(self.command), "CLOCHE_STATE_KEY_COMMAND")
        return None


class LiveKeyring:
    """The keys in force. Owned by the composition root; whoever wraps or unwraps asks it each time."""

    def __init__(self, source: KeySource, current: Keyring | None) -> None:
        """`current`: what the source held; see `open`."""
        self._source = source
        self.current = current

    @classmethod
    async def open(cls, source: KeySource) -> "LiveKeyring":
        """Read the source. Raises: InvalidError."""
        live = cls(source, None)
        await live.reload()
        return live

    async def reload(self) -> Keyring | None:
        """Read the source again. What was in force stays so where it cannot be read. Raises: InvalidError.

        Keys that are not there any more still open until the end of this process: who left the old one out by mistake
        must not lose what is kept under it, nor a save that has just read it.
        """
        # Shielded, for a caller that goes away must not leave a command behind.
        reading = spawn(asyncio.to_thread(self._source.read), name="state-key")
        read, held = await asyncio.shield(reading), self.current
        self.current = read.beside(held) if read is not None and held is not None else read
        if self.current is not None:
            _log.info("state_key_read", key_id=self.current.key_id, earlier=len(self.current.earlier_ids))
        return self.current


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        raise InvalidError(
            f"the file cannot be read: {error.strerror or 'it is not there'}", field="CLOCHE_STATE_KEY_FILE"
        ) from None


def _run(command: str) -> bytes:
    """Its standard error goes nowhere: a tool that fails may print what it was to keep."""
    field = "CLOCHE_STATE_KEY_COMMAND"
    try:
        argv = shlex.split(command)
    except ValueError:
        raise InvalidError("the command's quotes do not match", field=field) from None
    if not argv:
        raise InvalidError("the command is empty", field=field)
    try:
        done = subprocess.run(
            argv,
            env=dict(COMMAND_ENV),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidError("the command did not end in time", field=field) from None
    except (OSError, ValueError):
        raise InvalidError("the command could not be started", field=field) from None
    if done.returncode != 0:
        raise InvalidError(f"the command failed with exit code {done.returncode}", field=field)
    return done.stdout[: MAX_SOURCE_BYTES + 1]


def _keyring_of(data: bytes, field: str) -> Keyring:
    if len(data) > MAX_SOURCE_BYTES:
        raise InvalidError("what was read is too large to be keys", field=field)
    lines = [line.strip() for line in data.decode("ascii", "replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not 1 <= len(keys) <= MAX_KEYS:
        raise InvalidError(f"there must be one key a line, 1 to {MAX_KEYS}; there are {len(keys)}", field=field)
    try:
        current, *earlier = [StateKey.parse(key) for key in keys]
    except InvalidError as error:
        raise InvalidError(error.detail, field=field) from None
    return Keyring(current, tuple(earlier))
