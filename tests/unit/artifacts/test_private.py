"""Artifacts that are in memory alone."""

from datetime import UTC, datetime

from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.artifacts.private import PrivateArtifacts
from cloche.artifacts.rows import Filter, Totals
from cloche.ids import ArtifactId, PrincipalName, SessionId

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def artifact(number: int, session: str = "ses_1") -> Artifact:
    return Artifact(
        id=ArtifactId(f"art_{number}"),
        owner=PrincipalName("alice"),
        session_id=SessionId(session),
        kind=ArtifactKind.DOWNLOAD,
        state=ArtifactState.READY,
        file_name="a",
        media_type="",
        size_bytes=10,
        sha256="",
        private=True,
        created_at=NOW,
        expires_at=NOW,
    )


def test_pages_totals_and_blobs_are_of_what_is_there() -> None:
    private = PrivateArtifacts()
    for number in (1, 3, 2):
        private.add(artifact(number), f"blob{number}" if number != 2 else None, b"key")
    private.add(artifact(4, "ses_2"), "blob4", b"key")
    wanted = Filter(session_id=SessionId("ses_1"))
    assert [one.id for one in private.page(wanted, before=None, limit=2)] == ["art_3", "art_2"]
    assert [one.id for one in private.page(wanted, before=ArtifactId("art_2"), limit=2)] == ["art_1"]
    assert private.totals(wanted) == Totals(20, 3)
    assert private.blobs() == {"blob1", "blob3", "blob4"}
    assert private.remove(ArtifactId("art_1")) is not None and private.remove(ArtifactId("art_1")) is None
    assert private.get(ArtifactId("art_1")) is None


def test_a_key_is_in_no_repr() -> None:
    private = PrivateArtifacts()
    private.add(artifact(1), "blob", b"canary")
    assert "canary" not in repr(private.get(ArtifactId("art_1")))
