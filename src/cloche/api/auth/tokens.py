"""Signed tokens for URLs: each opens one session in one role, until it expires or the session ends.

    token = base64url( version 1 | role | expiry | mac )                      42 bytes, 56 characters, no padding
            version  1 byte, 1
            role     1 byte: D drive, V view, C control
            expiry   8 bytes, seconds since 1970, big-endian; 0: as long as the session lives
            mac      32 bytes: HMAC-SHA256(secret, "cloche.token" NUL, the ten bytes above, session id)

The session's id stands in the URL already, so it is signed but not repeated. Nothing is stored: a token dies with its
session, and all tokens die when the secret is changed.
"""

import base64
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cloche.errors import UnauthenticatedError
from cloche.ids import SessionId

VERSION: Final = 1
MIN_SECRET_BYTES: Final = 32

EXPIRED: Final = "token_expired"

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{56}")  # b64decode would skip what is not of its alphabet
_HEAD: Final = struct.Struct(">BcQ")
_CONTEXT: Final = b"cloche.token\0"
_LAST_MOMENT: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class TokenRole(StrEnum):
    DRIVE = "drive"  # the connect URL: DevTools
    VIEW = "view"  # watch, touch nothing
    CONTROL = "control"  # the live link: watch and act


_CODES: Final = {TokenRole.DRIVE: b"D", TokenRole.VIEW: b"V", TokenRole.CONTROL: b"C"}
_ROLES: Final = {code: role for role, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token gives. `expires_at` None: it lives as long as the session."""

    role: TokenRole
    expires_at: datetime | None


class TokenSigner:
    """Mints and verifies tokens under one secret of at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"a token secret needs {MIN_SECRET_BYTES} bytes")
        self._secret = secret

    def mint(self, session_id: SessionId, role: TokenRole, expires_at: datetime | None = None) -> str:
        """Sign a token; `expires_at` None lets it live as long as the session. The same input gives the same token."""
        expiry = int(expires_at.timestamp()) if expires_at is not None else 0
        head = _HEAD.pack(VERSION, _CODES[role], expiry)
        return base64.urlsafe_b64encode(head + self._mac(head, session_id)).decode()

    def verify(self, token: str, session_id: SessionId, now: datetime) -> TokenRole:
        """Tell the role a token gives for this session. Raises: UnauthenticatedError, as `read`."""
        return self.read(token, session_id, now).role

    def read(self, token: str, session_id: SessionId, now: datetime) -> Grant:
        """Tell what a token gives for this session, and until when.

        Raises: UnauthenticatedError: not a token, another session's, altered, of another version, or expired.
        """
        if not _FORM.fullmatch(token):
            raise UnauthenticatedError("this is not a token")
        raw = base64.urlsafe_b64decode(token)
        head, mac = raw[: _HEAD.size], raw[_HEAD.size :]
        if not hmac.compare_digest(mac, self._mac(head, session_id)):
            raise UnauthenticatedError("the token is not valid for this session")
        version, code, expiry = _HEAD.unpack(head)
        if version != VERSION or code not in _ROLES:
            raise UnauthenticatedError("the token is of a version this server does not know")
        if expiry and now.astimezone(UTC).timestamp() >= expiry:
            raise UnauthenticatedError("the token has expired", reason=EXPIRED)
        return Grant(_ROLES[code], _moment(expiry))

    def _mac(self, head: bytes, session_id: SessionId) -> bytes:
        return hmac.new(self._secret, _CONTEXT + head + session_id.encode(), hashlib.sha256).digest()


def _moment(expiry: int) -> datetime | None:
    """Seconds since 1970 to a time; one beyond what a date can say is as good as none."""
    return datetime.fromtimestamp(min(expiry, _LAST_MOMENT), UTC) if expiry else None
