"""What comes back about pools, as types."""

from datetime import datetime
from typing import Any

from cloche.client.answers import Answer


class Pool(Answer):
    """`ready`, `building` and `wanted` are sandboxes, `in_use` sessions that have not ended.

    `hits` (the sandbox was there) and `misses` are counted since the server's start; `hit_rate` is None until there was
    one of them. `options` is what was asked for: None is left to the server. The pool `default`, of creates that name
    none, has its size from a setting, and has no dates.
    """

    name: str
    size: int
    options: dict[str, Any]
    created_at: datetime | None
    updated_at: datetime | None
    ready: int
    building: int
    wanted: int
    in_use: int
    hits: int
    misses: int
    hit_rate: float | None


class PoolList(Answer):
    pools: list[Pool]


class Deleted(Answer):
    deleted: bool


class Flushed(Answer):
    flushed: int
