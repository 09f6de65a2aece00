"""All that is recorded on this daemon: who may record now, what is being made into files, and what there is."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.clock import Clock
from cloche.concurrency.tasks import spawn
from cloche.concurrency.threads import in_thread
from cloche.errors import BusyError, ClocheError
from cloche.ids import PrincipalName, SessionId
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo
from cloche.sessions.live.recording import rows
from cloche.sessions.live.recording.limits import Caps, RecordingLimits
from cloche.sessions.live.recording.making import NOTHING_SHOWN, Artifacts, StartMux, kept, why_failed
from cloche.sessions.live.recording.part import DISK_FULL, Part
from cloche.sessions.live.recording.spool import Spool, free_bytes
from cloche.sessions.model import Session
from cloche.sessions.principal import Principal, Role
from cloche.storage.database import Database
from cloche.vault.sealed import SealError

MADE_AT_ONCE: Final = 2
"""Files: each is in its child's memory until it is stored."""
MAKE_S: Final = 60.0
SLOWEST_BYTES_S: Final = 2 << 20
CLOSE_S: Final = 30.0
"""How long the daemon's end waits for what sessions have left behind."""
MAX_LISTED: Final = 500
DAEMON_ENDED: Final = "daemon_ended"
"""Why one that another daemon had begun came to nothing."""
DROPPED: Final = "dropped"
"""Its session was private and has ended, or the daemon could not wait for it."""
RETRY_AFTER_S: Final = 30

_log = structlog.get_logger(__name__)
Told = Callable[[Part, RecordingInfo], None]


@dataclass(slots=True)
class _Known:
    """What is not in the table, or otherwise there."""

    owner: PrincipalName
    parts: dict[int, Part]
    private: dict[int, RecordingInfo]


@dataclass(frozen=True, slots=True)
class _Finishing:
    making: asyncio.Task[RecordingInfo]
    """May be cancelled."""
    task: asyncio.Task[RecordingInfo]
    """Waits for it and puts everything away; never cancelled."""


class RecordingStore:
    """Owned by the composition root: `start` before the first session, `close` after the last and before the store of
    artifacts and the database."""

    def __init__(
        self,
        database: Database,
        directory: Path,
        artifacts: Artifacts,
        start_mux: StartMux,
        clock: Clock,
        limits: RecordingLimits,
    ) -> None:
        """`directory`: of spools, which have no names there."""
        self.limits = limits
        self._database = database
        self._directory = directory
        self._artifacts = artifacts
        self._start_mux = start_mux
        self._clock = clock
        self._runs = 0
        self._making = asyncio.Semaphore(MADE_AT_ONCE)
        self._finishing: dict[Part, _Finishing] = {}
        self._known: dict[SessionId, _Known] = {}

    async def start(self) -> None:
        await in_thread(self._make_directory)
        async with self._database.begin() as connection:
            if lost := await rows.mark_lost(connection, DAEMON_ENDED):
                _log.warning("recordings_lost", count=lost)

    async def close(self) -> None:
        await _wait_for([one.task for one in self._finishing.values()], CLOSE_S)
        self._drop(tuple(self._finishing))
        await _wait_for([one.task for one in self._finishing.values()])

    async def list(self, principal: Principal, session_id: SessionId) -> tuple[RecordingInfo, ...]:
        """A session's, newest first, ended or not; of an ended private one there is none. An admin sees all."""
        owner = None if principal.role is Role.ADMIN else principal.name
        async with self._database.read() as connection:
            found = await rows.of_session(connection, session_id, owner=owner, limit=MAX_LISTED)
        known = self._known.get(session_id)
        if known is not None and principal.may_use(known.owner):
            now = self._clock.monotonic()
            found |= known.private | {number: part.info(now) for number, part in known.parts.items()}
        return tuple(found[number] for number in sorted(found, reverse=True)[:MAX_LISTED])

    # --- for recorders ----------------------------------------------------------------------------------------------

    @contextmanager
    def place(self) -> Iterator[None]:
        """For one session to be recorded. Raises: BusyError (`recordings_full`)."""
        most = self.limits.at_once
        if self._runs >= most or len(self._finishing) >= most:
            detail = f"{most} recordings are under way, as many as may"
            raise BusyError(detail, retry_after_s=RETRY_AFTER_S, reason="recordings_full")
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1

    async def last_number(self, session: Session) -> int:
        """Of what earlier daemons have recorded of it."""
        async with self._database.read() as connection:
            return await rows.last_number(connection, session.id)

    async def begin(self, session: Session, number: int, format_: RecordingFormat, caps: Caps) -> Part:
        """Raises: BusyError (`disk_full`)."""
        try:
            spool = await in_thread(self._new_spool)
        except OSError as error:
            _log.error("recording_not_begun", errno=error.errno)
            raise _no_room() from None
        if spool is None:
            raise _no_room()
        part = Part(number, format_, caps, self._clock.now(), self._clock.monotonic(), spool)
        try:
            if not session.options.private:
                async with self._database.begin() as connection:
                    await rows.add(connection, session.id, number, session.owner, part.info(part.begun))
        except BaseException:
            await in_thread(spool.close)
            raise
        known = self._known.setdefault(session.id, _Known(session.owner, {}, {}))
        known.parts[number] = part
        return part

    def has_room(self, spool: Spool) -> bool:
        """Blocks. Raises: OSError."""
        return spool.free_bytes() >= self.limits.min_free_bytes

    def finish(self, part: Part, session: Session, told: Told, *, keep: bool) -> "asyncio.Task[RecordingInfo]":
        """Make a part that has ended an artifact, or let it go. `told`: what has become of it; it must not raise. The
        task is not to be cancelled; see `drop`."""
        making = spawn(self._made(part, session, keep=keep), name=f"recording-made:{session.id}")
        task = spawn(self._finish(part, session, told, making), name=f"recording:{session.id}")
        self._finishing[part] = _Finishing(making, task)
        return task

    async def drop(self, session_id: SessionId) -> None:
        """Of a private session's parts that are being made into files none is kept."""
        known = self._known.get(session_id)
        parts = tuple(known.parts.values()) if known is not None else ()
        self._drop(parts)
        await _wait_for([one.task for part, one in self._finishing.items() if part in parts])

    def _drop(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if (one := self._finishing.get(part)) is not None:
                one.making.cancel()

    def forget(self, session_id: SessionId) -> None:
        """A private session has ended."""
        self._known.pop(session_id, None)

    # --- one part ---------------------------------------------------------------------------------------------------

    async def _finish(
        self, part: Part, session: Session, told: Told, making: "asyncio.Task[RecordingInfo]"
    ) -> RecordingInfo:
        await asyncio.wait((making,))
        if making.cancelled():
            info = part.failed(DROPPED)
        elif making.exception() is not None:
            info = part.failed("internal")
        else:
            info = making.result()
        try:
            await in_thread(part.spool.close)
            await self._note(part, session, info)
        except SQLAlchemyError:
            _log.exception("recording_not_noted", session=session.id)
        finally:
            self._finishing.pop(part, None)
            self._forget_part(part, session, info)
            told(part, info)
        return info

    async def _made(self, part: Part, session: Session, *, keep: bool) -> RecordingInfo:
        if not keep:
            return part.failed(DROPPED)
        if not part.spool.batches:
            return part.failed(NOTHING_SHOWN)
        try:
            async with self._making, asyncio.timeout(MAKE_S + part.size_bytes / SLOWEST_BYTES_S):
                return part.made(await kept(part, session, self._artifacts, self._start_mux))
        except (ClocheError, OSError, TimeoutError, SealError) as error:
            why = why_failed(error)
            _log.warning("recording_not_kept", session=session.id, reason=why)
            return part.failed(why)

    async def _note(self, part: Part, session: Session, info: RecordingInfo) -> None:
        if not session.options.private:
            async with self._database.begin() as connection:
                await rows.save(connection, session.id, part.number, info, self._clock.now())

    def _forget_part(self, part: Part, session: Session, info: RecordingInfo) -> None:
        if (known := self._known.get(session.id)) is None:
            return
        known.parts.pop(part.number, None)
        if session.options.private:
            known.private[part.number] = info
            if len(known.private) > MAX_LISTED:
                del known.private[min(known.private)]
        elif not known.parts:
            del self._known[session.id]

    def _make_directory(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)

    def _new_spool(self) -> Spool | None:
        """Raises: OSError."""
        return Spool(self._directory) if free_bytes(self._directory) >= self.limits.min_free_bytes else None


async def _wait_for(tasks: Collection[asyncio.Task[RecordingInfo]], timeout_s: float | None = None) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=timeout_s)


def _no_room() -> BusyError:
    return BusyError("the server has no room to record", retry_after_s=RETRY_AFTER_S, reason=DISK_FULL)
