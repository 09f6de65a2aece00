"""A request's credential to whoever stands behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloche.api.auth.keys import KeyStore
from cloche.api.auth.revocation import Stands
from cloche.api.auth.tokens import TokenRole, TokenSigner
from cloche.clock import Clock
from cloche.errors import DeniedError, UnauthenticatedError
from cloche.ids import SessionId
from cloche.live.model import Right
from cloche.sessions.principal import Principal

"""The roles that may speak DevTools."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a request may enter a session: as a principal (ownership is still to be checked), or by a token that was."""

    principal: Principal | None
    token: str | None = None


_RIGHTS: Final = {TokenRole.VIEW: Right.VIEW, TokenRole.CONTROL: Right.CONTROL}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccess:
    """How a request may enter a session's live view: as a principal (ownership is still to be checked), who may act,
    or by a link's token that was, with its right and until its end."""

    principal: Principal | None
    right: Right
    expires_at: datetime | None = None
    token: str | None = None
    stands: Stands | None = field(default=None, repr=False, compare=False)
    """Whether the key is still valid, where there was one."""

    @property
    def expires_s(self) -> float | None:
        """In seconds since 1970."""
        return None if self.expires_at is None else self.expires_at.timestamp()


class Credentials:
    """Checks keys and tokens. `headers` are keyed in lower case."""

    def __init__(self, keys: KeyStore, signer: TokenSigner, clock: Clock) -> None:
        self._keys = keys
        self._signer = signer
        self._clock = clock

    async def principal(self, headers: Mapping[str, str]) -> Principal:
        """Whose key this is. Raises: UnauthenticatedError for none, an unknown or a revoked one."""
        secret = find_key(headers)
        if secret is None:
            raise UnauthenticatedError("send a key: Authorization: Bearer ck_… or X-API-Key")
        principal = await self._keys.verify(secret)
        if principal is None:
            raise UnauthenticatedError("the key is not valid")
        return principal

    async def stands(self, headers: Mapping[str, str]) -> bool:
        """Whether the key that was sent is valid now."""
        secret = find_key(headers)
        return secret is not None and await self._keys.verify(secret) is not None

    async def access(self, headers: Mapping[str, str], token: str | None, session_id: SessionId) -> Access:
        """Check a key, or else a token of this session that may drive.

        A live link may not: it acts by hands, under a clipboard policy and a right, of which DevTools knows nothing.
        Raises: UnauthenticatedError, DeniedError.
        """
        if find_key(headers) is not None or token is None:
            return Access(await self.principal(headers))
        if self._signer.verify(token, session_id, self._clock.now()) is not TokenRole.DRIVE:
            raise DeniedError("this token is for the live view, not for DevTools")
        return Access(None, token)

    async def live(self, headers: Mapping[str, str], token: str | None, session_id: SessionId) -> LiveAccess:
        """Check a key, or else a token of this session that is for its live view.

        Raises: UnauthenticatedError, DeniedError.
        """
        if find_key(headers) is not None or token is None:
            principal = await self.principal(headers)
            return LiveAccess(principal=principal, right=Right.CONTROL, stands=lambda: self.stands(headers))
        grant = self._signer.read(token, session_id, self._clock.now())
        if grant.role not in _RIGHTS:
            raise DeniedError("this token is not for the live view", reason="not_a_live_token")
        return LiveAccess(principal=None, right=_RIGHTS[grant.role], expires_at=grant.expires_at, token=token)


def find_key(headers: Mapping[str, str]) -> str | None:
    """The key in `Authorization: Bearer` (RFC 6750) or `X-API-Key`; another scheme counts as a key that is wrong."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        return secret.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key")
