"""`/v1/keys`: an admin makes, lists and revokes API keys.

Revoking a key stops new requests with it at once. Sessions it made go on, and so do their links: a token belongs to
its session, not to a key. End the sessions to cut those off.
"""

from typing import Annotated

from fastapi import APIRouter, Query

from cloche.api.auth.keys import KeyRecord
from cloche.api.deps import KEY_SECURITY, Admin, ApiDeps, Deps
from cloche.api.rest.key_schemas import KeyIn, KeyListOut, KeyOut, NewKeyOut
from cloche.api.rest.render import render_key
from cloche.audit.model import AuditRecord
from cloche.ids import parse_key_id
from cloche.sessions.principal import Principal, Role

router = APIRouter(prefix="/v1/keys", tags=["keys"], dependencies=KEY_SECURITY)


@router.post("", status_code=201)
async def create_key(admin: Admin, body: KeyIn, deps: Deps) -> NewKeyOut:
    """Make a key. The answer is the only place where its secret is ever shown."""
    deps.journal.require()
    record, secret = await deps.keys.create(
        principal=body.principal, role=Role(body.role), name=body.name, scopes=body.scopes
    )
    _note(deps, "key.created", admin, record)
    return NewKeyOut(**render_key(record).model_dump(), secret=secret)


@router.get("")
async def list_keys(
    admin: Admin,
    deps: Deps,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> KeyListOut:
    """List keys, newest first, revoked ones too."""
    page = await deps.keys.list(limit=limit, cursor=cursor)
    return KeyListOut(keys=[render_key(record) for record in page.keys], next_cursor=page.next_cursor)


@router.delete("/{key_id}")
async def revoke_key(admin: Admin, key_id: str, deps: Deps) -> KeyOut:
    """Revoke a key. It stays in the listing."""
    record = await deps.keys.revoke(parse_key_id(key_id))
    _note(deps, "key.revoked", admin, record)
    return render_key(record)


def _note(deps: ApiDeps, kind: str, admin: Principal, record: KeyRecord) -> None:
    data = {"role": str(record.role), "name": record.name, "scopes": ",".join(sorted(record.scopes))}
    deps.journal.note(AuditRecord(kind=kind, actor=admin.name, owner=record.principal, subject=record.id, data=data))
