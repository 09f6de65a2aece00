"""By what data keys are wrapped."""

from datetime import UTC, datetime

import pytest

from cloche.artifacts.keys import SERVER_KEY_ID, ArtifactKeys
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.ids import ArtifactId, PrincipalName
from cloche.vault.keyring import KeySource, LiveKeyring
from cloche.vault.keys import Keyring, StateKey, UnknownKeyError, WrongKeyError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA_KEY = bytes(range(32))


def artifact(owner: str = "alice", id_: str = "art_1") -> Artifact:
    return Artifact(
        id=ArtifactId(id_),
        owner=PrincipalName(owner),
        session_id=None,
        kind=ArtifactKind.PDF,
        state=ArtifactState.READY,
        file_name="a",
        media_type="",
        size_bytes=0,
        sha256="",
        created_at=NOW,
        expires_at=NOW,
    )


def test_without_a_state_key_the_server_wraps() -> None:
    keys = ArtifactKeys(b"s" * 32, None)
    wrapped, key_id = keys.wrap(DATA_KEY, artifact())
    assert key_id == SERVER_KEY_ID
    assert keys.unwrap(wrapped, artifact()) == DATA_KEY
    with pytest.raises(UnknownKeyError):
        ArtifactKeys(b"t" * 32, None).unwrap(wrapped, artifact())


def test_the_state_key_wraps_once_there_is_one_and_both_are_read() -> None:
    live = LiveKeyring(KeySource(), None)
    keys = ArtifactKeys(b"s" * 32, live)
    early, _ = keys.wrap(DATA_KEY, artifact())
    live.current = Keyring(StateKey.from_bytes(b"a" * 32))
    late, key_id = keys.wrap(DATA_KEY, artifact())
    assert key_id == live.current.key_id
    assert keys.unwrap(early, artifact()) == keys.unwrap(late, artifact()) == DATA_KEY
    live.current = None
    with pytest.raises(UnknownKeyError):
        keys.unwrap(late, artifact())


@pytest.mark.parametrize("other", [artifact(owner="bob"), artifact(id_="art_2")])
def test_a_key_moved_to_another_artifact_or_owner_does_not_open(other: Artifact) -> None:
    keys = ArtifactKeys(b"s" * 32, None)
    wrapped, _ = keys.wrap(DATA_KEY, artifact())
    with pytest.raises(WrongKeyError):
        keys.unwrap(wrapped, other)
