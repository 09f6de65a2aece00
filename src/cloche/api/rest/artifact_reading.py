"""An artifact's bytes as an answer: whole, in part, or only what is to be known of them."""

import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Final

from cloche.api.downloads import Head, disposition, exactly
from cloche.api.ranges import Span, Tail, is_still
from cloche.artifacts.model import READABLE, Artifact, Content
from cloche.errors import InternalError, RangeError
from cloche.ids import ArtifactId
from cloche.sessions.artifacts.interface import SessionArtifacts
from cloche.sessions.principal import Principal

UNKNOWN_TYPE: Final = "application/octet-stream"
_HARMLESS: Final = re.compile(
    r"(image/(png|jpeg|gif|webp|avif|bmp|x-icon)|(audio|video|font)/[a-z0-9.+-]{1,64}"
    r"|text/(plain|csv)|application/(pdf|zip|gzip|json))"
)
"""Types that are told. What a browser could run is only ever a file of bytes, whatever else is said of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose bytes, and who asks for them."""

    artifacts: SessionArtifacts
    caller: Principal
    artifact_id: ArtifactId
    quarantined: bool

    def open(self, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[Content]:
        return self.artifacts.open(
            self.caller, self.artifact_id, start=start, length=length, quarantined=self.quarantined
        )


async def head_of(asked: Asked) -> AsyncGenerator[Head | bytes]:
    """Answer with the fields of the whole file; a range is for GET alone (RFC 9110, section 14.2)."""
    async with asked.open() as content:
        yield Head(200, _fields(content.artifact, content.artifact.size_bytes))


async def contents_of(asked: Asked, wanted: Span | Tail | None, if_range: str | None) -> AsyncGenerator[Head | bytes]:
    """Answer with the file or a range of it. Raises: RangeError, and what opening it does."""
    span, size = None, 0
    if wanted is not None:
        artifact = await asked.artifacts.get(asked.caller, asked.artifact_id)
        size = artifact.size_bytes
        if is_still(if_range, etag_of(artifact)):
            span = wanted.within(size) if isinstance(wanted, Tail) else wanted
    covered = span.bytes_of(size) if span is not None else 0
    start, length = (span.first, covered) if span is not None and covered else (0, None)
    async with asked.open(start, length) as content:
        # Only now is it known that the caller may have it: before, it would be told its size instead of that.
        if span is not None and not covered:
            raise RangeError(f"the file has {size} bytes", size=size)
        fields = _fields(content.artifact, content.length)
        if span is not None:
            fields["content-range"] = f"bytes {start}-{start + content.length - 1}/{size}"
        yield Head(200 if span is None else 206, fields)
        sent = 0
        async with aclosing(exactly(content.body, content.length)) as pieces:
            async for piece in pieces:
                sent += len(piece)
                yield piece
        if sent != content.length:
            raise InternalError("the artifact ended before its end")


def etag_of(artifact: Artifact) -> str:
    return f'"{artifact.sha256}"'


def media_type_of(artifact: Artifact) -> str:
    """What the answer says its bytes are."""
    is_told = artifact.state in READABLE and _HARMLESS.fullmatch(artifact.media_type)
    return artifact.media_type if is_told else UNKNOWN_TYPE


def _fields(artifact: Artifact, length: int) -> dict[str, str]:
    """What keeps a stranger's file a file, in whatever opens it."""
    return {
        "content-type": media_type_of(artifact),
        "content-length": str(length),
        "content-disposition": disposition(artifact.file_name),
        "content-security-policy": "sandbox; default-src 'none'",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-store",
        "accept-ranges": "bytes",
        "etag": etag_of(artifact),
    }
