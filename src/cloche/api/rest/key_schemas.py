"""The JSON of keys, as API clients see it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloche.api.rest.schemas import In, Out


class KeyIn(In):
    """The body of `POST /v1/keys`."""

    principal: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
    role: Literal["admin", "user"] = "user"
    name: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    scopes: list[Literal["machine", "release"]] = Field(default=[], max_length=16)
    """`release`: may let the own files out of quarantine. `machine`: may make sessions with `machine`, run programs in
    them and read and write their files. An admin may anyway."""


class KeyOut(Out):
    id: str
    name: str
    principal: str
    role: Literal["admin", "user"]
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    scopes: list[str]


class NewKeyOut(KeyOut):
    """A key just made. `secret` is shown this once."""

    secret: str


class KeyListOut(Out):
    keys: list[KeyOut]
    next_cursor: str | None
