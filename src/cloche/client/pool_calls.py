"""Every call about pools as a value; see `calls`. Pure."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict
from urllib.parse import quote

from cloche.client.answers import Session
from cloche.client.calls import START_S, Call, SessionOptions
from cloche.client.pool_answers import Deleted, Flushed, Pool, PoolList

_POOLS: Final = "/v1/pools"


class OwnOptions(TypedDict, total=False):
    """What one session of a pool has of its own; what is left out is the pool's."""

    labels: Mapping[str, str]
    start_url: str
    idle_timeout_s: int
    lifetime_s: int
    queue_timeout_s: float


def create_pool(name: str, *, size: int, options: SessionOptions) -> Call[Pool]:
    body = {"name": name, "size": size, "options": options}
    return Call(method="POST", path=_POOLS, body=body, parse=Pool.model_validate_json)


def list_pools() -> Call[PoolList]:
    return Call(method="GET", path=_POOLS, parse=PoolList.model_validate_json)


def get_pool(name: str) -> Call[Pool]:
    return Call(method="GET", path=_path(name), parse=Pool.model_validate_json)


def update_pool(name: str, *, size: int | None, options: SessionOptions | None) -> Call[Pool]:
    body: dict[str, Any] = {} if size is None else {"size": size}
    body |= {} if options is None else {"options": options}
    return Call(method="PATCH", path=_path(name), body=body, parse=Pool.model_validate_json)


def delete_pool(name: str) -> Call[Deleted]:
    return Call(method="DELETE", path=_path(name), parse=Deleted.model_validate_json)


def flush_pool(name: str) -> Call[Flushed]:
    return Call(method="POST", path=_path(name, "flush"), parse=Flushed.model_validate_json)


def acquire(name: str, own: OwnOptions, *, wait: bool) -> Call[Session]:
    query = [] if wait else [("wait", "false")]
    may_take_s = START_S + own.get("queue_timeout_s", 0.0)
    parse = Session.model_validate_json
    return Call(method="POST", path=_path(name, "acquire"), query=query, body=own, parse=parse, may_take_s=may_take_s)


def release(name: str, session_id: str) -> Call[Session]:
    body = {"session_id": session_id}
    return Call(method="POST", path=_path(name, "release"), body=body, parse=Session.model_validate_json)


def _path(name: str, *rest: str) -> str:
    return "/".join([_POOLS, quote(name, safe=""), *rest])
