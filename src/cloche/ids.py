"""Typed, prefixed ULIDs: `ses_01J…`. They sort by time, and a wrong kind is refused where it comes in."""

import re
from datetime import datetime
from typing import Final, NewType

from ulid import ULID

from cloche.errors import InvalidError

SessionId = NewType("SessionId", str)
KeyId = NewType("KeyId", str)
ProfileId = NewType("ProfileId", str)
ArtifactId = NewType("ArtifactId", str)
EventId = NewType("EventId", int)
PrincipalName = NewType("PrincipalName", str)

# Crockford base32 without I, L, O, U; the first of 26 characters carries only three bits (ULID spec).
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_session_id() -> SessionId:
    return SessionId(f"ses_{ULID()}")


def new_key_id() -> KeyId:
    return KeyId(f"key_{ULID()}")


def new_profile_id() -> ProfileId:
    return ProfileId(f"prf_{ULID()}")


def new_artifact_id() -> ArtifactId:
    return ArtifactId(f"art_{ULID()}")


def parse_session_id(text: str) -> SessionId:
    """Check the form of a session id that came from outside.

    Raises:
        InvalidError: the text is not `ses_` and 26 characters of a ULID.
    """
    return SessionId(_parse("ses", text))


def begun_at(session_id: SessionId) -> datetime:
    """When the id was made: a warm sandbox has its id before it is anybody's session."""
    return ULID.from_str(session_id.partition("_")[2]).datetime


def parse_key_id(text: str) -> KeyId:
    return KeyId(_parse("key", text))


def parse_profile_id(text: str) -> ProfileId:
    return ProfileId(_parse("prf", text))


def parse_artifact_id(text: str) -> ArtifactId:
    return ArtifactId(_parse("art", text))


def _parse(prefix: str, text: str) -> str:
    head, _, tail = text.partition("_")
    if head != prefix or not _ULID.fullmatch(tail):
        raise InvalidError(f"this is not an id of the form {prefix}_…", field="id")
    return text
