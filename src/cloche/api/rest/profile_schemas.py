"""What goes over the REST border about profiles. Inputs are strict, as in `schemas`."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from cloche.api.rest.schemas import In, Out
from cloche.profiles.model import NewProfile, ProfileForm

# What their store refuses of them beyond this, it says itself: a name is 1 to 96 bytes.
ProfileName = Annotated[str, StringConstraints(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+$")]
ThemeColor = Annotated[str, StringConstraints(max_length=24, pattern=r"^[A-Za-z0-9#_-]*$")]
Passphrase = Annotated[str, StringConstraints(min_length=12, max_length=1024)]
RevisionNumber = Annotated[int, Field(ge=1, le=1 << 53)]


class NewProfileIn(In):
    """The body of `POST /v1/profiles`."""

    name: ProfileName
    theme_color: ThemeColor = ""
    private: bool = False
    """Sessions that start from it keep nothing."""
    persistence: bool = True
    """Whether sessions that start from it may save back."""

    def to_request(self) -> NewProfile:
        return NewProfile(
            name=self.name, theme_color=self.theme_color, private=self.private, persistence=self.persistence
        )


class ProfileChangeIn(In):
    """The body of `PATCH /v1/profiles/{id}`; what is left out stays as it is."""

    name: ProfileName | None = None
    theme_color: ThemeColor | None = None


class ForkIn(In):
    """The body of `POST /v1/profiles/{id}/fork`. Without `revision` the last one is copied."""

    name: ProfileName
    revision: RevisionNumber | None = None


class ExportIn(In):
    """The body of `POST /v1/profiles/{id}/export`. Whoever has the file and the passphrase has what is in it."""

    passphrase: Passphrase
    revision: RevisionNumber | None = None


class ProfileOut(Out):
    """`revision` 0: nothing was saved yet, and `form` is null. `engine` is empty for a form that fits every engine."""

    id: str
    owner: str
    name: str
    theme_color: str
    private: bool
    persistence: bool
    active: bool
    revision: int
    form: ProfileForm | None
    engine: str
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime
    used_by: list[str]
    written_by: str | None


class ProfileListOut(Out):
    """One page, last used first. `active_id` is the caller's active profile, if there is one."""

    profiles: list[ProfileOut]
    active_id: str | None
    next_cursor: str | None


class ProfileDeletedOut(Out):
    """`active_id` is the owner's active profile from here on."""

    deleted: bool = True
    active_id: str | None


class RevisionOut(Out):
    revision: int
    form: ProfileForm
    engine: str
    size_bytes: int
    session_id: str | None
    created_at: datetime


class RevisionListOut(Out):
    """Those that are kept, newest first."""

    revisions: list[RevisionOut]


class RekeyedOut(Out):
    """`unreadable`: keys that are wrapped by a state key which the server has not."""

    key_id: str
    rewrapped: int
    unreadable: int
    previous_key_ids: list[str]
