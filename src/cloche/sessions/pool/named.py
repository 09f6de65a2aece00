"""The use cases of pools: who may, what is stored and written down, and what the keeper then keeps.

The default pool is the settings' and is stored nowhere: it is looked at and flushed as any, and nothing else.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

import msgspec
import structlog
from sqlalchemy.exc import IntegrityError

from cloche.audit.model import AuditRecord
from cloche.clock import Clock
from cloche.concurrency.tasks import spawn
from cloche.egress.policy import EgressPolicy
from cloche.errors import ClocheError, ConflictError, DeniedError, InternalError, InvalidError, NotFoundError
from cloche.ids import SessionId
from cloche.sessions.audit import AuditWriter
from cloche.sessions.model import Session, SessionOptions, SessionRequest
from cloche.sessions.pool import rows
from cloche.sessions.pool.interface import SessionPools
from cloche.sessions.pool.inventory import DEFAULT
from cloche.sessions.pool.keeper import PoolKeeper
from cloche.sessions.pool.model import NAME, Acquire, NewPool, Pool, PoolRecord
from cloche.sessions.principal import Principal, Role
from cloche.storage.database import Database
from cloche.vault.secret_box import SecretBox

MAX_POOLS: Final = 64
"""Each has its series in the metrics."""
POOL_EXISTS: Final = "pool_exists"
TOO_MANY: Final = "too_many_pools"
NOT_FROM_POOL: Final = "not_from_pool"
DEFAULT_POOL: Final = "default_pool"

BY_SETTINGS: Final = "its size is the setting CLOCHE_POOL_SIZE; a pool with options of its own has another name"
BY_CREATE: Final = "create the session without naming a pool"
BY_CLOSE: Final = "end the session itself, as any that was created without naming a pool"

_log = structlog.get_logger(__name__)
T = TypeVar("T")


class Sessions(Protocol):
    """What pools ask of the manager."""

    async def create(
        self, principal: Principal, request: SessionRequest, *, wait: bool = True, pool: str | None = None
    ) -> Session: ...

    async def get(self, principal: Principal, session_id: SessionId) -> Session: ...

    async def close(self, principal: Principal, session_id: SessionId) -> Session: ...

    def in_force(self, request: SessionRequest, pool: str | None = None) -> tuple[SessionOptions, EgressPolicy]: ...

    def in_use(self, pool: str | None) -> int: ...


class NamedPools(SessionPools):
    """Made by the composition root, which has it `load` before the keeper begins; every door calls it.

    The rows are the truth. What they say is held here as well, as one daemon has them to itself.
    """

    def __init__(
        self,
        sessions: Sessions,
        keeper: PoolKeeper,
        database: Database,
        *,
        secret_box: SecretBox,
        audit: AuditWriter,
        clock: Clock,
    ) -> None:
        self._sessions, self._keeper, self._database = sessions, keeper, database
        self._secret_box, self._audit, self._clock = secret_box, audit, clock
        self._records: dict[str, PoolRecord] = {}
        self._turn = asyncio.Lock()
        self._changes: set[asyncio.Task[Any]] = set()

    async def load(self) -> None:
        """Read what an earlier daemon had, and have it kept again."""
        async with self._database.read() as connection:
            found = await rows.every(connection)
        for row in found:
            try:
                record = rows.record_of(row)
            except msgspec.ValidationError:
                _log.exception("pool_not_read", pool=row["name"])
                continue
            self._records[record.name] = record
            self._keep(record)

    async def settled(self) -> None:
        """Wait for changes that are under way: the database is about to be closed."""
        while self._changes:
            await asyncio.wait(self._changes)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def list(self, principal: Principal) -> tuple[Pool, ...]:
        return (self._default(), *(self._now(record) for _, record in sorted(self._records.items())))

    async def get(self, principal: Principal, name: str) -> Pool:
        return self._default() if name == DEFAULT else self._now(self._find(name))

    def _now(self, record: PoolRecord) -> Pool:
        return Pool(record, self._keeper.state(record.name), self._sessions.in_use(record.name))

    def _default(self) -> Pool:
        """What is built ahead of it is what a create gets that asks for nothing."""
        record = PoolRecord(name=DEFAULT, size=self._keeper.size, request=SessionRequest())
        return Pool(record, self._keeper.state(DEFAULT), self._sessions.in_use(None))

    def _find(self, name: str, *, instead: str = "") -> PoolRecord:
        """`instead`: what to do where it is the default pool. Raises: NotFoundError, ConflictError."""
        if name == DEFAULT:
            raise _default_pool(instead)
        if (record := self._records.get(name)) is None:
            raise NotFoundError("there is no such pool")
        return record

    # --- changing ---------------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, asked: NewPool) -> Pool:
        async def make() -> Pool:
            if asked.name in self._records:
                raise _exists()
            if len(self._records) >= MAX_POOLS:
                raise ConflictError(f"a server has at most {MAX_POOLS} pools", reason=TOO_MANY)
            now = self._clock.now()
            empty = PoolRecord(name=asked.name, size=0, request=asked.request, created_at=now, updated_at=now)
            record = self._checked(empty, asked.size, asked.request)
            try:
                async with self._database.begin() as connection:
                    await rows.add(connection, record)
            except IntegrityError:
                raise _exists() from None
            return self._take_in(record)

        _require_name(asked.name)
        return await self._change(principal, "pool.create", asked.name, make(), {"size": asked.size})

    async def update(
        self, principal: Principal, name: str, *, size: int | None = None, request: SessionRequest | None = None
    ) -> Pool:
        async def change() -> Pool:
            record = self._find(name, instead=BY_SETTINGS)
            changed = replace(record, updated_at=self._clock.now())
            changed = self._checked(changed, record.size if size is None else size, request)
            async with self._database.begin() as connection:
                await rows.save(connection, changed)
            return self._take_in(changed)

        data: dict[str, Any] = {"options": True} if request is not None else {}
        data |= {"size": size} if size is not None else {}
        return await self._change(principal, "pool.update", name, change(), data)

    async def delete(self, principal: Principal, name: str) -> None:
        async def remove() -> None:
            self._find(name, instead=BY_SETTINGS)
            async with self._database.begin() as connection:
                await rows.remove(connection, name)
            del self._records[name]
            self._keeper.drop(name)

        await self._change(principal, "pool.delete", name, remove(), {})

    async def flush(self, principal: Principal, name: str) -> int:
        async def flush() -> int:
            if name != DEFAULT:
                self._find(name)
            return self._keeper.flush(name)

        return await self._change(principal, "pool.flush", name, flush(), {})

    def _checked(self, record: PoolRecord, size: int, request: SessionRequest | None) -> PoolRecord:
        """The record with another size and, unless None, other options. Raises: InvalidError, DeniedError."""
        if size != record.size and not 0 <= size <= self._keeper.most:  # one that was stored may be above today's
            raise InvalidError(f"must be from 0 to {self._keeper.most}, the server's CLOCHE_POOL_MAX", field="size")
        if request is None:
            return replace(record, size=size)
        if request.profile is not None:
            raise InvalidError("a pool is everybody's, and a profile is somebody's", field="options.profile")
        options, _ = self._sessions.in_force(request)
        upstream = request.egress.upstream
        sealed = self._secret_box.seal(upstream, context=_context(record.name)) if upstream else None
        return replace(record, size=size, request=replace(request, egress=options.egress), upstream_sealed=sealed)

    def _take_in(self, record: PoolRecord) -> Pool:
        self._records[record.name] = record
        self._keep(record)
        return self._now(record)

    def _keep(self, record: PoolRecord) -> None:
        try:
            options, _ = self._sessions.in_force(record.request)
        except ClocheError as error:
            # Today's settings forbid it: whoever asks it for a session is told so, and nothing is built ahead.
            _log.warning("pool_not_filled", pool=record.name, code=error.code, detail=error.detail)
            self._keeper.drop(record.name)
            return
        self._keeper.put(record.name, options, record.size)

    async def _change(
        self, principal: Principal, kind: str, name: str, steps: Coroutine[Any, Any, T], data: dict[str, Any]
    ) -> T:
        """One after the other and each to its end, whoever goes away meanwhile: row, record and stock stay together."""

        async def change() -> T:
            async with self._noted(principal, kind, name, data), self._turn:
                return await steps

        try:
            if principal.role is not Role.ADMIN:
                raise DeniedError("only an admin may change pools")
            self._audit.require()
        except BaseException:
            steps.close()
            raise
        task = spawn(change(), name=kind)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        changed = await asyncio.shield(task)
        await self._audit.settled()
        return changed

    @asynccontextmanager
    async def _noted(self, principal: Principal, kind: str, name: str, data: dict[str, Any]) -> AsyncGenerator[None]:
        outcome = "cancelled"
        try:
            yield
            outcome = "ok"
        except Exception as error:
            outcome = error.code if isinstance(error, ClocheError) else InternalError.code
            raise
        finally:
            self._audit.note(AuditRecord(kind=kind, actor=principal.name, subject=name, outcome=outcome, data=data))

    # --- using ------------------------------------------------------------------------------------------------------

    async def acquire(self, principal: Principal, name: str, asked: Acquire, *, wait: bool = True) -> Session:
        record = self._find(name, instead=BY_CREATE)
        request = record.request
        if record.upstream_sealed is not None:
            upstream = self._secret_box.open(record.upstream_sealed, context=_context(name))
            request = replace(request, egress=replace(request.egress, upstream=upstream))
        own = {
            field: value
            for field in ("start_url", "idle_timeout_s", "lifetime_s", "queue_timeout_s")
            if (value := getattr(asked, field)) is not None
        }
        request = replace(request, labels={**request.labels, **asked.labels}, **own)
        return await self._sessions.create(principal, request, wait=wait, pool=name)

    async def release(self, principal: Principal, name: str, session_id: SessionId) -> Session:
        self._find(name, instead=BY_CLOSE)
        session = await self._sessions.get(principal, session_id)
        if session.options.pool != name:
            raise ConflictError("the session did not come from this pool", reason=NOT_FROM_POOL)
        return await self._sessions.close(principal, session_id)


def _require_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidError("is 1 to 63 small letters, digits and hyphens, with no hyphen at an end", field="name")
    if name == DEFAULT:
        raise _default_pool(BY_SETTINGS)


def _exists() -> ConflictError:
    return ConflictError("there is a pool of that name", reason=POOL_EXISTS)


def _default_pool(instead: str) -> ConflictError:
    return ConflictError(f"the default pool is the server's own: {instead}", reason=DEFAULT_POOL)


def _context(name: str) -> str:
    return f"pool/{name}"
