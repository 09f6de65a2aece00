"""`/v1/pools`: warm sandboxes under names, with options of their own. Admins make and change them; any key takes.

`default` is the server's own, for creates that name none: it is looked at and flushed, and all else is 409.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from cloche.api.deps import KEY_SECURITY, Admin, Caller, Deps, LinkOrigin, Pools
from cloche.api.rest.pool_schemas import (
    AcquireIn,
    FlushedOut,
    NewPoolIn,
    PoolChangeIn,
    PoolDeletedOut,
    PoolListOut,
    PoolOut,
    ReleaseIn,
)
from cloche.api.rest.render import render_pool, render_session
from cloche.api.rest.schemas import SessionOut
from cloche.api.rest.sessions import answer_made
from cloche.ids import parse_session_id

router = APIRouter(prefix="/v1/pools", tags=["pools"], dependencies=KEY_SECURITY)


@router.get("")
async def list_pools(caller: Caller, pools: Pools) -> PoolListOut:
    """List all pools: `default`, and then by name."""
    return PoolListOut(pools=[render_pool(pool) for pool in await pools.list(caller)])


@router.post("", status_code=201)
async def create_pool(admin: Admin, body: NewPoolIn, pools: Pools, response: Response) -> PoolOut:
    """Make a pool, and begin to fill it."""
    made = render_pool(await pools.create(admin, body.to_request()))
    response.headers["location"] = f"/v1/pools/{made.name}"
    return made


@router.get("/{name}")
async def get_pool(caller: Caller, name: str, pools: Pools) -> PoolOut:
    """Look at one pool."""
    return render_pool(await pools.get(caller, name))


@router.patch("/{name}")
async def update_pool(admin: Admin, name: str, body: PoolChangeIn, pools: Pools) -> PoolOut:
    """Give a pool another size or other options; what waits and does not fit any more goes."""
    request = body.options.to_request() if body.options is not None else None
    return render_pool(await pools.update(admin, name, size=body.size, request=request))


@router.delete("/{name}")
async def delete_pool(admin: Admin, name: str, pools: Pools) -> PoolDeletedOut:
    """Delete a pool. What waits goes, and sessions that were made from it live on."""
    await pools.delete(admin, name)
    return PoolDeletedOut()


@router.post(
    "/{name}/acquire",
    status_code=201,
    response_model=SessionOut,
    responses={202: {"model": SessionOut, "description": "Pending (`wait=false`)"}},
)
async def acquire_session(
    caller: Caller,
    name: str,
    deps: Deps,
    pools: Pools,
    origin: LinkOrigin,
    request: Request,
    response: Response,
    body: AcquireIn | None = None,
    wait: bool = True,
) -> Any:
    """Make a session with the pool's options: of a sandbox that waits, or at once of a new one. As any create."""
    acquiring = pools.acquire(caller, name, (body or AcquireIn()).to_request(), wait=wait)
    return await answer_made(acquiring, deps, origin, request, response)


@router.post("/{name}/release")
async def release_session(
    caller: Caller, name: str, body: ReleaseIn, deps: Deps, pools: Pools, origin: LinkOrigin
) -> SessionOut:
    """End a session that came from the pool. Its sandbox is never used again; another takes its place."""
    session = await pools.release(caller, name, parse_session_id(body.session_id))
    return render_session(session, deps, origin)


@router.post("/{name}/flush")
async def flush_pool(admin: Admin, name: str, pools: Pools) -> FlushedOut:
    """Throw away all that wait and build others in their place, also of the `default` pool."""
    return FlushedOut(flushed=await pools.flush(admin, name))
