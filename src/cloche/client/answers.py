"""What comes back, as types. A newer server may say more; what is not known here is left out."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Browser(Answer):
    product: str
    revision: str


class Viewport(Answer):
    width: int
    height: int
    device_scale_factor: float


class Session(Answer):
    """A session. `connect_url` is for DevTools clients, `live_url` for a person; both are None once it has ended."""

    id: str
    status: str
    reason: str
    owner: str
    created_at: datetime
    expires_at: datetime
    connect_url: str | None
    live_url: str | None
    engine: str
    browser: Browser | None
    viewport: Viewport
    budget: dict[str, Any]
    egress: dict[str, Any]
    labels: dict[str, str]
    usage: dict[str, Any]


class SessionPage(Answer):
    sessions: list[Session]
    next_cursor: str | None


class Event(Answer):
    """One thing that happened to a session; `id` is where to resume after it."""

    id: int
    session_id: str
    type: str
    at: datetime
    data: dict[str, Any]


class Key(Answer):
    id: str
    name: str
    principal: str
    role: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(Key):
    """`secret` is told this once."""

    secret: str


class KeyPage(Answer):
    keys: list[Key]
    next_cursor: str | None


class Readiness(Answer):
    """Whether a session can be made now; if not, `reasons` by check."""

    ready: bool
    reasons: dict[str, str]
