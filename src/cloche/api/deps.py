"""What the API is given by the composition root, and what one request needs of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute

from cloche.api.auth.credentials import Access, Credentials
from cloche.api.auth.failures import AuthFailures
from cloche.api.auth.guard import RequestGuard
from cloche.api.auth.keys import KeyStore
from cloche.api.auth.tokens import TokenRole, TokenSigner
from cloche.api.limits import MAX_UPLOAD_BYTES
from cloche.api.live.peers import MakePeer
from cloche.api.live.settings import LiveDoorSettings
from cloche.api.urls import Origin, origin_of
from cloche.clock import Clock
from cloche.data_plane.relay import RelaysOf
from cloche.errors import ConflictError, DeniedError
from cloche.ids import ArtifactId, ProfileId, SessionId, parse_artifact_id, parse_profile_id, parse_session_id
from cloche.sessions.artifacts.interface import SessionArtifacts
from cloche.sessions.audit import AuditReader, AuditWriter, NoAudit
from cloche.sessions.interface import SessionManager
from cloche.sessions.live.interface import SessionRecordings
from cloche.sessions.news import News
from cloche.sessions.pool.interface import SessionPools
from cloche.sessions.principal import Principal, Role
from cloche.sessions.profiles.interface import SessionProfiles

LIVE_TOKEN_LIFETIME: Final = timedelta(hours=1)

ReadinessCheck = Callable[[], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDeps:
    """Everything the API stands on. `readiness` None asks the manager."""

    manager: SessionManager
    keys: KeyStore
    token_secret: bytes
    clock: Clock
    registry: CollectorRegistry
    profiles: SessionProfiles | None = None
    """The daemon always gives these five; tests of what is beside them need not."""
    pools: SessionPools | None = None
    artifacts: SessionArtifacts | None = None
    audit: AuditReader | None = None
    recordings: SessionRecordings | None = None
    journal: AuditWriter = field(default_factory=NoAudit)
    news: News = field(default_factory=News)
    policy: Mapping[str, Any] = field(default_factory=dict)
    """What `/v1/policy` shows."""
    pages: Sequence[BaseRoute] = ()
    """Routes beside the API's: the console's."""
    public_url: str | None = None
    bind_is_loopback: bool = True
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    readiness: ReadinessCheck | None = None
    live: LiveDoorSettings = field(default_factory=LiveDoorSettings)
    make_peer: MakePeer | None = None
    """For viewers by WebRTC; None: `live.webrtc.peer`, loaded when the first comes."""
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    """Of the body of one upload, and of what it unpacks to."""
    relays_of: RelaysOf | None = None
    """For DevTools' and programs' connections; None: in the server's own loop."""

    def guard(self) -> RequestGuard:
        return RequestGuard(
            bind_is_loopback=self.bind_is_loopback,
            allowed_hosts=self.allowed_hosts,
            allowed_origins=self.allowed_origins,
            public_url=self.public_url,
        )

    def signer(self) -> TokenSigner:
        return TokenSigner(self.token_secret)

    def credentials(self) -> Credentials:
        return Credentials(self.keys, self.signer(), self.clock)

    def auth_failures(self, door: str) -> AuthFailures:
        """Where a door writes down whom it has not let in; one for each."""
        return AuthFailures(self.journal, self.clock, door)

    def require_audit(self) -> AuditReader:
        """Raises: ConflictError."""
        if self.audit is None:
            raise ConflictError("this server keeps no audit journal", reason="audit_off")
        return self.audit

    def require_profiles(self) -> SessionProfiles:
        """Raises: ConflictError."""
        if self.profiles is None:
            raise ConflictError("this server keeps no profiles", reason="profiles_off")
        return self.profiles

    def require_artifacts(self) -> SessionArtifacts:
        """Raises: ConflictError."""
        if self.artifacts is None:
            raise ConflictError("this server keeps no artifacts", reason="artifacts_off")
        return self.artifacts

    def require_pools(self) -> SessionPools:
        """Raises: ConflictError."""
        if self.pools is None:
            raise ConflictError("this server keeps no pools", reason="pools_off")
        return self.pools

    def require_recordings(self) -> SessionRecordings:
        """Raises: ConflictError."""
        if self.recordings is None:
            raise ConflictError("this server keeps no recordings", reason="recording_off")
        return self.recordings

    def tokens_for(self, session_id: SessionId) -> tuple[str, str]:
        """The tokens of the connect and live links, fresh."""
        signer = self.signer()
        lifetime = min(LIVE_TOKEN_LIFETIME, timedelta(seconds=self.live.max_link_lifetime_s))
        expires_at = self.clock.now() + lifetime
        drive = signer.mint(session_id, TokenRole.DRIVE)
        return drive, signer.mint(session_id, TokenRole.CONTROL, expires_at)


def deps_of(request: Request) -> ApiDeps:
    deps = request.app.state.deps
    assert isinstance(deps, ApiDeps)
    return deps


async def _asked_deps(request: Request) -> ApiDeps:
    """A coroutine, as all that routes ask for: FastAPI runs a plain function in a thread, there and back."""
    return deps_of(request)


async def session_id_of(session_id: str) -> SessionId:
    return parse_session_id(session_id)


async def profile_id_of(profile_id: str) -> ProfileId:
    return parse_profile_id(profile_id)


async def artifact_id_of(artifact_id: str) -> ArtifactId:
    return parse_artifact_id(artifact_id)


async def profiles_of(request: Request) -> SessionProfiles:
    return deps_of(request).require_profiles()


async def pools_of(request: Request) -> SessionPools:
    return deps_of(request).require_pools()


async def artifacts_of(request: Request) -> SessionArtifacts:
    return deps_of(request).require_artifacts()


async def audit_of(request: Request) -> AuditReader:
    return deps_of(request).require_audit()


async def caller_of(request: Request) -> Principal:
    caller = await deps_of(request).credentials().principal(request.headers)
    request.state.caller = caller.name  # for what is around the route, see `api.auditing`
    return caller


async def admin_of(caller: Annotated[Principal, Depends(caller_of)]) -> Principal:
    if caller.role is not Role.ADMIN:
        raise DeniedError("this needs an admin's key")
    return caller


async def access_of(request: Request, session_id: "SessionIdPath", token: str | None = None) -> Access:
    return await deps_of(request).credentials().access(request.headers, token, session_id)


async def origin_of_request(request: Request) -> Origin:
    url = deps_of(request).public_url
    return origin_of(host=request.headers["host"], scheme=request.url.scheme, public_url=url)


# These only describe the two ways to send a key in the OpenAPI document; `caller_of` reads the fields itself.
KEY_SECURITY: Final = [
    Security(HTTPBearer(auto_error=False, description="An API key, `ck_…`.")),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False)),
]

Deps = Annotated[ApiDeps, Depends(_asked_deps)]
SessionIdPath = Annotated[SessionId, Depends(session_id_of)]
ProfileIdPath = Annotated[ProfileId, Depends(profile_id_of)]
ArtifactIdPath = Annotated[ArtifactId, Depends(artifact_id_of)]
Profiles = Annotated[SessionProfiles, Depends(profiles_of)]
Pools = Annotated[SessionPools, Depends(pools_of)]
Artifacts = Annotated[SessionArtifacts, Depends(artifacts_of)]
Audit = Annotated[AuditReader, Depends(audit_of)]
Caller = Annotated[Principal, Depends(caller_of)]
Admin = Annotated[Principal, Depends(admin_of)]
SessionAccess = Annotated[Access, Depends(access_of)]
LinkOrigin = Annotated[Origin, Depends(origin_of_request)]
