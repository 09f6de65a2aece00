"""What comes back about profiles and artifacts, as types."""

from datetime import datetime

from cloche.client.answers import Answer


class Profile(Answer):
    """`revision` 0: nothing was saved yet. `form` is `directory` or `storage_state`."""

    id: str
    owner: str
    name: str
    theme_color: str
    private: bool
    persistence: bool
    active: bool
    revision: int
    form: str | None
    engine: str
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime
    used_by: list[str]
    written_by: str | None


class ProfilePage(Answer):
    """`active_id` is the caller's active profile, if there is one."""

    profiles: list[Profile]
    active_id: str | None
    next_cursor: str | None


class DeletedProfile(Answer):
    """`active_id` is the owner's active profile from here on."""

    deleted: bool
    active_id: str | None


class Revision(Answer):
    revision: int
    form: str
    engine: str
    size_bytes: int
    session_id: str | None
    created_at: datetime


class RevisionList(Answer):
    revisions: list[Revision]


class Rekeyed(Answer):
    """`unreadable`: keys that are wrapped by a state key which the server has not."""

    key_id: str
    rewrapped: int
    unreadable: int
    previous_key_ids: list[str]


class Artifact(Answer):
    """A file that came out of a session, or was handed in.

    `state` is ready, quarantined, released, condemned or rejected; `kind` is download, pdf, screenshot, recording or
    upload. `sha256` is empty for one that was not kept.
    """

    id: str
    owner: str
    session_id: str | None
    profile_id: str | None
    kind: str
    state: str
    reasons: list[str]
    file_name: str
    media_type: str
    declared_type: str
    size_bytes: int
    sha256: str
    source_url: str
    referrer: str
    private: bool
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str


class ArtifactPage(Answer):
    artifacts: list[Artifact]
    next_cursor: str | None
