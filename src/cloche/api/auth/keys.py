"""API keys: made once, shown once, stored only as a hash."""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping

from cloche.api.auth import rows
from cloche.clock import Clock
from cloche.errors import InvalidError, NotFoundError
from cloche.ids import KeyId, PrincipalName, new_key_id, parse_key_id
from cloche.sessions.principal import NO_SCOPES, Principal, Role, Scope
from cloche.storage.database import Database

PREFIX: Final = "ck_"
SECRET_BYTES: Final = 32
MIN_ADMIN_SECRET_CHARS: Final = 16
MAX_SECRET_CHARS: Final = 256
MAX_PAGE: Final = 200

NOBODYS_NAMES: Final = frozenset({"cloche", "sandbox", "link"})
"""Who the audit journal tells of where it was no principal."""

LAST_USED_EVERY: Final = timedelta(minutes=1)
"""How exact `last_used_at` is: a write for every request would cost more than the request."""

BELIEVED_S: Final = 1.0
"""How long a key that was revoked beside the daemon (`cloche key revoke --local`) may still be let in."""
MAX_BELIEVED: Final = 1024

_PRINCIPAL: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_NAME_MAX_CHARS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is known of a key. The secret is not."""

    id: KeyId
    name: str
    principal: PrincipalName
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    scopes: frozenset[Scope] = NO_SCOPES


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of keys, newest first. `next_cursor` is None on the last page."""

    keys: tuple[KeyRecord, ...]
    next_cursor: str | None


class KeyStore:
    """Makes, lists, revokes and verifies keys. The database holds all; the daemon has one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fresh: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        """Whose keys were found valid a moment ago, by hash, and until when that is believed."""
        self._revocations = 0

    async def create(
        self, *, principal: str, role: Role | str, name: str = "", scopes: Iterable[Scope | str] = ()
    ) -> tuple[KeyRecord, str]:
        """Make a key for `principal`. The second value is the secret, which cannot be had again.

        `scopes` mean nothing more for an admin, who may everything, and are kept all the same.
        Raises: InvalidError for a principal's name, a role or a scope that is not one.
        """
        if role not in set(Role):
            raise InvalidError("a role is admin or user", field="role")
        if principal in NOBODYS_NAMES:
            raise InvalidError("the audit journal calls something else by this name", field="principal")
        wanted = frozenset(scopes)
        if not wanted <= set(Scope):
            raise InvalidError(f"a scope is one of: {', '.join(Scope)}", field="scopes")
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        allowed = frozenset(map(Scope, wanted))
        return await self._add(secret, principal=principal, role=Role(role), name=name, scopes=allowed), secret

    async def ensure_admin(self, secret: str) -> KeyRecord:
        """Make `secret` an admin's key unless it is one already (CLOCHE_ADMIN_KEY).

        Raises: InvalidError when it is too short, or is known but revoked or no admin's: a restart must not undo that.
        """
        if not MIN_ADMIN_SECRET_CHARS <= len(secret) <= MAX_SECRET_CHARS or not secret.isprintable():
            raise InvalidError(f"an admin key needs {MIN_ADMIN_SECRET_CHARS} to {MAX_SECRET_CHARS} characters")
        async with self._database.read() as connection:
            row = await rows.by_hash(connection, hash_secret(secret))
        if row is None:
            return await self._add(secret, principal="admin", role=Role.ADMIN, name="CLOCHE_ADMIN_KEY")
        record = _record(row)
        if record.revoked_at is not None or record.role is not Role.ADMIN:
            raise InvalidError("this admin key was revoked or is another user's; set another one")
        return record

    async def list(self, *, limit: int = 50, cursor: str | None = None) -> KeyPage:
        """List keys, revoked ones too, newest first. `limit` 1–200. Raises: InvalidError for a bad cursor."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"limit must be from 1 to {MAX_PAGE}", field="limit")
        before = parse_key_id(cursor) if cursor is not None else None
        async with self._database.read() as connection:
            found = await rows.page(connection, before=before, limit=limit + 1)
        records = tuple(_record(row) for row in found[:limit])
        return KeyPage(records, records[-1].id if len(found) > limit else None)

    async def revoke(self, key_id: KeyId) -> KeyRecord:
        """Make a key useless from now on; revoking it again changes nothing. Raises: NotFoundError."""
        try:
            async with self._database.begin() as connection:
                await rows.revoke(connection, key_id, self._clock.now())
                row = await rows.by_id(connection, key_id)
        finally:  # also when whoever asked hangs up: it may be done all the same
            self._revocations += 1
            self._fresh.clear()
        if row is None:
            raise NotFoundError("no such key")
        return _record(row)

    async def verify(self, secret: str) -> Principal | None:
        """Tell whose key this is; None for one that is unknown or revoked.

        The look-up is by hash, so how long it takes says nothing about how close a guess was. A valid key is believed
        for `BELIEVED_S`: an agent's every click would ask the database. One that is revoked here is refused at once.
        """
        if not secret or len(secret) > MAX_SECRET_CHARS:
            return None
        secret_hash = hash_secret(secret)
        if (fresh := self._fresh.get(secret_hash)) is not None and self._clock.monotonic() < fresh[1]:
            return fresh[0]
        revocations = self._revocations
        row = await self._database.look(lambda connection: rows.by_hash(connection, secret_hash))
        if row is None or not hmac.compare_digest(row["secret_hash"], secret_hash):
            return None
        record = _record(row)
        if record.revoked_at is not None:
            return None
        await self._touch(record)
        principal = Principal(record.principal, record.role, record.scopes)
        if revocations == self._revocations:  # else what was read may no longer be so
            self._fresh[secret_hash] = principal, self._clock.monotonic() + BELIEVED_S
        if len(self._fresh) > MAX_BELIEVED:
            self._fresh.popitem(last=False)
        return principal

    async def has_any(self) -> bool:
        """Whether anyone could authenticate now."""
        async with self._database.read() as connection:
            return await rows.any_valid(connection)

    async def _add(
        self, secret: str, *, principal: str, role: Role, name: str, scopes: frozenset[Scope] = NO_SCOPES
    ) -> KeyRecord:
        if not _PRINCIPAL.fullmatch(principal):
            raise InvalidError("a principal is 1 to 64 of a–z, 0–9, '.', '_', '@', '-'", field="principal")
        if len(name) > _NAME_MAX_CHARS or not (name.isprintable() or not name):
            raise InvalidError(f"a key's name is at most {_NAME_MAX_CHARS} printable characters", field="name")
        record = KeyRecord(
            id=new_key_id(),
            name=name,
            principal=PrincipalName(principal),
            role=role,
            created_at=self._clock.now(),
            scopes=scopes,
        )
        async with self._database.begin() as connection:
            await rows.add(
                connection,
                id=record.id,
                secret_hash=hash_secret(secret),
                principal=principal,
                role=str(role),
                name=name,
                created_at=record.created_at,
                scopes=sorted(scopes),
            )
        return record

    async def _touch(self, record: KeyRecord) -> None:
        now = self._clock.now()
        if record.last_used_at is None or now - record.last_used_at >= LAST_USED_EVERY:
            await self._database.write(lambda connection: rows.touch(connection, record.id, now))


def hash_secret(secret: str) -> str:
    """SHA-256, hex. Plain, because a key is 256 random bits: there is no dictionary to slow down."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _record(row: RowMapping) -> KeyRecord:
    return KeyRecord(
        id=KeyId(row["id"]),
        name=row["name"],
        principal=PrincipalName(row["principal"]),
        role=Role(row["role"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
        # One that this version does not know allows nothing.
        scopes=frozenset(Scope(scope) for scope in row["scopes"] if scope in set(Scope)),
    )
