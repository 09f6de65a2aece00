"""From a draft and what was seen of its bytes to a name, a type and a state."""

from dataclasses import replace
from typing import Final

from cloche.artifacts.blobs import BlobReader, Sample
from cloche.artifacts.draft import Draft
from cloche.artifacts.model import Artifact, ArtifactState
from cloche.artifacts.names import safe_name
from cloche.artifacts.reasons import Reason, in_order
from cloche.artifacts.sniff.deep import deep_reasons, must_be_read
from cloche.artifacts.verdict import Facts, Policy, judge

SAMPLE_BYTES: Final = 256 * 1024
"""Of a file's beginning, and of its end: files of twice this are judged by all that is in them. Much more would
keep the interpreter, and with it the event loop, busy for too long."""
MAX_ADDRESS_CHARS: Final = 2048
MAX_TYPE_CHARS: Final = 128


def described(artifact: Artifact, draft: Draft) -> Artifact:
    """Take over what the draft says, made safe and short."""
    return replace(
        artifact,
        file_name=safe_name(draft.suggested_name).text,
        declared_type=_line(draft.declared_type, MAX_TYPE_CHARS),
        source_url=_line(draft.source_url, MAX_ADDRESS_CHARS),
        referrer=_line(draft.referrer, MAX_ADDRESS_CHARS),
    )


def judged(artifact: Artifact, draft: Draft, sample: Sample, policy: Policy) -> Artifact:
    """Say what it is and whether it may go out. Takes a while: for a thread."""
    artifact = replace(artifact, size_bytes=sample.size_bytes, sha256=sample.sha256)
    most = draft.bounds.max_file_bytes
    if draft.trusted:
        reasons: tuple[str, ...] = (Reason.TOO_LARGE.value,) if sample.size_bytes > most else ()
        media_type = artifact.declared_type
    else:
        name = safe_name(draft.suggested_name)
        facts = Facts(
            file_name=name.text,
            name_was_deceptive=name.was_deceptive,
            declared_type=draft.declared_type,
            size_bytes=sample.size_bytes,
            head=sample.head,
            tail=sample.tail,
        )
        verdict = judge(facts, replace(policy, max_bytes=most))
        reasons, media_type = verdict.reasons, verdict.media_type
    state = ArtifactState.QUARANTINED if reasons else ArtifactState.READY
    return replace(artifact, state=state, reasons=reasons, media_type=media_type)


def judged_deeply(artifact: Artifact, reader: BlobReader, policy: Policy) -> Artifact:
    """Judge what was not sampled too, where it matters and nothing is known against the file yet. For a thread."""
    reasons = deep_reasons(artifact.media_type, reader.pieces(0, reader.size_bytes))
    if policy.allow_unseen:
        reasons.discard(Reason.NOT_INSPECTED)
    if not reasons:
        return artifact
    slugs = tuple(reason.value for reason in in_order(frozenset(reasons)))
    return replace(artifact, state=ArtifactState.QUARANTINED, reasons=slugs)


def needs_depth(artifact: Artifact, draft: Draft, sample: Sample) -> bool:
    """Whether `judged_deeply` has something to say."""
    is_open = artifact.state is ArtifactState.READY and not draft.trusted
    return is_open and sample.size_bytes > len(sample.head) and must_be_read(artifact.media_type)


def _line(text: str, most: int) -> str:
    """Printable and not too long; a database refuses lone surrogates and NUL."""
    return "".join(character for character in text[:most] if character.isprintable())
