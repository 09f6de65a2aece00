"""What a draft's words become."""

from collections.abc import Callable
from datetime import UTC, datetime

from cloche.artifacts.blobs import Sample
from cloche.artifacts.draft import Draft
from cloche.artifacts.judging import MAX_ADDRESS_CHARS, MAX_TYPE_CHARS, described, judged
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.artifacts.verdict import Policy
from cloche.ids import ArtifactId, PrincipalName

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BLANK = Artifact(
    id=ArtifactId("art_1"),
    owner=PrincipalName("alice"),
    session_id=None,
    kind=ArtifactKind.DOWNLOAD,
    state=ArtifactState.READY,
    file_name="",
    media_type="",
    size_bytes=0,
    sha256="",
    created_at=NOW,
    expires_at=NOW,
)
MakeDraft = Callable[..., Draft]


def test_strangers_words_are_made_safe_and_short(draft: MakeDraft) -> None:
    given = draft(
        suggested_name="../../etc/pass\0wd\u202e",
        declared_type="text/\nplain" + "x" * 500,
        source_url="https://a.test/" + "\ud800" + "a" * 5000,
        referrer="https://b.test/\r\nX: y",
    )
    artifact = described(BLANK, given)
    assert "/" not in artifact.file_name and "\0" not in artifact.file_name and "\u202e" not in artifact.file_name
    assert artifact.declared_type.startswith("text/plainx") and len(artifact.declared_type) < MAX_TYPE_CHARS
    assert len(artifact.source_url) < MAX_ADDRESS_CHARS and "\ud800" not in artifact.source_url
    assert artifact.referrer == "https://b.test/X: y"


def test_a_deceptive_name_is_judged_as_it_was_given(draft: MakeDraft) -> None:
    given = draft(suggested_name="notes\u202etxt.txt")
    sample = Sample(5, "0" * 64, b"hello", b"hello")
    found = judged(described(BLANK, given), given, sample, Policy())
    assert (found.state, found.reasons) == (ArtifactState.QUARANTINED, ("deceptive_name",))
    assert (found.size_bytes, found.sha256, found.media_type) == (5, "0" * 64, "text/plain")


def test_the_operator_may_forbid_what_the_table_allows(draft: MakeDraft) -> None:
    given = draft()
    sample = Sample(5, "0" * 64, b"hello", b"hello")
    assert judged(described(BLANK, given), given, sample, Policy()).state is ArtifactState.READY
    found = judged(described(BLANK, given), given, sample, Policy(deny=frozenset({".txt"})))
    assert found.state is ArtifactState.QUARANTINED
