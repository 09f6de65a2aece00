"""What a profile is: the facts that are stored, listed and shown. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloche.ids import PrincipalName, ProfileId, SessionId


class ProfileForm(StrEnum):
    """What of a browser's state a revision of a profile holds."""

    DIRECTORY = "directory"
    """The whole user-data directory, the open tabs and what Chromium forgets between starts. Of one engine."""
    STORAGE_STATE = "storage_state"
    """Playwright's `storage_state`: cookies, and localStorage by origin. For every engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a listing shows of one."""

    id: ProfileId
    owner: PrincipalName
    name: str
    theme_color: str = ""
    private: bool = False
    """Sessions that start from it keep nothing: it is an empty one, always."""
    persistence: bool = True
    """Whether sessions that start from it may save back."""
    active: bool = False
    """The one of its owner's that a session may ask for as `active`."""
    revision: int = 0
    """The last one saved. 0: none yet."""
    form: ProfileForm | None = None
    engine: str = ""
    """Of the last revision, where its form is of one engine."""
    size_bytes: int = 0
    """On disk, of all its revisions."""
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime
    used_by: tuple[SessionId, ...] = ()
    """Sessions that started from it and live."""
    written_by: SessionId | None = None
    kept_for: SessionId | None = None
    """The hibernated session whose state this is: nobody's to see or to use, and gone with that session's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    revision: int
    form: ProfileForm
    engine: str
    size_bytes: int
    session_id: SessionId | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """Last used first. `active_id` None: the owner has made none active."""

    profiles: tuple[Profile, ...]
    active_id: ProfileId | None
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile:
    """`name` 1–96 bytes of UTF-8 without control characters; `theme_color` ≤ 24 of `[A-Za-z0-9#_-]`."""

    name: str
    theme_color: str = ""
    private: bool = False
    persistence: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """What `rekey` did: data keys of profiles and artifacts that are now wrapped by `key_id`."""

    key_id: str
    rewrapped: int
    unreadable: int
    """Wrapped by keys that the server has not."""
    previous_key_ids: tuple[str, ...]
    """Others that it still has. Once nothing is wrapped by them they can go."""
