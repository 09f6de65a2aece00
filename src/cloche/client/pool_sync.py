"""Pools, synchronously: `client.pools`."""

from typing import TYPE_CHECKING, Unpack

from cloche.client import pool_calls as calls
from cloche.client.answers import Session
from cloche.client.calls import SessionOptions
from cloche.client.pool_answers import Pool
from cloche.client.pool_calls import OwnOptions

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient


class Pools:
    """`client.pools`: warm sandboxes under names. `create`, `update`, `delete` and `flush` need an admin's key.

    `default` is the server's own, for sessions that name no pool: it can be looked at and flushed.
    """

    def __init__(self, client: "SyncClient") -> None:
        self._client = client

    def create(self, name: str, *, size: int, **options: Unpack[SessionOptions]) -> Pool:
        """`options`: what its sessions are made with, as in `sessions.create`, without `profile`."""
        return self._client.send(calls.create_pool(name, size=size, options=options))

    def list(self) -> tuple[Pool, ...]:
        """All: `default`, and then by name."""
        return tuple((self._client.send(calls.list_pools())).pools)

    def get(self, name: str) -> Pool:
        return self._client.send(calls.get_pool(name))

    def update(self, name: str, *, size: int | None = None, options: SessionOptions | None = None) -> Pool:
        """`options` takes the place of all there were."""
        return self._client.send(calls.update_pool(name, size=size, options=options))

    def delete(self, name: str) -> None:
        """What waits goes; sessions that were made from it live on."""
        self._client.send(calls.delete_pool(name))

    def flush(self, name: str) -> int:
        """Have all that wait replaced; returns how many go."""
        return (self._client.send(calls.flush_pool(name))).flushed

    def acquire(self, name: str, *, wait: bool = True, **own: Unpack[OwnOptions]) -> Session:
        """Make a session with the pool's options, of a sandbox that waits or at once of a new one."""
        return self._client.send(calls.acquire(name, own, wait=wait))

    def release(self, name: str, session_id: str) -> Session:
        """End a session that came from the pool. Nothing of it is used again."""
        return self._client.send(calls.release(name, session_id))
