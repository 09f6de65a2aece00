"""What goes over the REST border about pools. Inputs are strict, as in `schemas`."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from cloche.api.rest.schemas import (
    In,
    LabelName,
    LabelValue,
    OptionsIn,
    Out,
    Seconds,
    StartUrl,
    ViewportOut,
)
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.sandbox.spec import Engine
from cloche.sessions.model import Downloads
from cloche.sessions.pool.model import Acquire, NewPool

PoolName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
PoolSize = Annotated[int, Field(ge=0, le=1024)]


class NewPoolIn(In):
    """The body of `POST /v1/pools`. `options` is that of `POST /v1/sessions`, without `profile`."""

    name: PoolName
    size: PoolSize
    """Sandboxes that wait, at least; at most `CLOCHE_POOL_MAX`."""
    options: OptionsIn = OptionsIn()

    def to_request(self) -> NewPool:
        return NewPool(name=self.name, size=self.size, request=self.options.to_request())


class PoolChangeIn(In):
    """The body of `PATCH /v1/pools/{name}`; what is left out stays. `options` takes the place of all there were."""

    size: PoolSize | None = None
    options: OptionsIn | None = None


class AcquireIn(In):
    """The body of `POST /v1/pools/{name}/acquire`; what is left out is the pool's."""

    labels: Annotated[dict[LabelName, LabelValue], Field(max_length=32)] = Field(default_factory=dict)
    """Beside the pool's, and in place of those of the same name."""
    start_url: StartUrl | None = None
    idle_timeout_s: Seconds | None = None
    lifetime_s: Seconds | None = None
    queue_timeout_s: Annotated[float, Field(ge=0, le=3600)] | None = None

    def to_request(self) -> Acquire:
        return Acquire(
            labels=self.labels,
            start_url=self.start_url,
            idle_timeout_s=self.idle_timeout_s,
            lifetime_s=self.lifetime_s,
            queue_timeout_s=self.queue_timeout_s,
        )


class ReleaseIn(In):
    """The body of `POST /v1/pools/{name}/release`."""

    session_id: Annotated[str, StringConstraints(max_length=64)]


class PoolEgressOut(Out):
    """A user and password in `upstream` are not shown."""

    allow_hosts: list[str]
    deny_hosts: list[str]
    private_hosts: list[str]
    ports: list[str]
    schemes: list[str]
    upstream: str | None
    max_bytes: int | None


class PoolLiveOut(Out):
    clipboard: ClipboardPolicy | None
    record: RecordPolicy | None


class PoolStandbyOut(Out):
    after_s: float | None
    hibernate_after_s: float | None


class PoolOptionsOut(Out):
    """What was asked for; null is left to the server, which also lowers what is above its ceilings."""

    engine: Engine
    viewport: ViewportOut
    start_url: str | None
    locale: str | None
    timezone: str | None
    user_agent: str | None
    egress: PoolEgressOut
    budget: dict[str, int | float | str]
    idle_timeout_s: int | None
    lifetime_s: int | None
    queue_timeout_s: float | None
    labels: dict[str, str]
    action_allowed_domains: list[str]
    machine: bool
    private: bool
    downloads: Downloads
    live: PoolLiveOut
    standby: PoolStandbyOut | None


class PoolOut(Out):
    """`ready`, `building` and `wanted` are sandboxes, `in_use` sessions that have not ended. `hits` (the sandbox was
    there) and `misses` are counted since the server's start; `hit_rate` is null until there was one of them.

    Of the pool `default` they are those of all creates that name none. Its `size` is a setting, and it has no dates.
    """

    name: str
    size: int
    options: PoolOptionsOut
    created_at: datetime | None
    updated_at: datetime | None
    ready: int
    building: int
    wanted: int
    in_use: int
    hits: int
    misses: int
    hit_rate: float | None


class PoolListOut(Out):
    """`default`, and then all by name."""

    pools: list[PoolOut]


class PoolDeletedOut(Out):
    deleted: bool = True


class FlushedOut(Out):
    """How many waited, and are being replaced."""

    flushed: int
