"""The whole API on a real port, before a session manager in memory and a fake Chromium: what door tests drive."""

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cloche.api.auth.keys import KeyStore
from cloche.api.auth.tokens import TokenSigner
from cloche.api.deps import ApiDeps
from cloche.api.server import ApiServer
from cloche.ids import SessionId
from cloche.sessions.principal import Role, Scope
from cloche.storage.database import Database, metadata
from cloche.testing.artifacts import FakeArtifacts
from cloche.testing.chromium import FakeChromium
from cloche.testing.manager import FakeSessionManager
from cloche.testing.pools import unfilled_pools
from cloche.testing.profiles import FakeProfiles

TOKEN_SECRET: Final = bytes(range(32))

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no one; loading the system's certificates for every client takes longer than most tests."""


class MovableClock:
    """The system's time, moved by what a test adds."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.offset.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApi:
    """A served API, its doubles, and a key for each role."""

    port: int
    manager: FakeSessionManager
    profiles: FakeProfiles
    artifacts: FakeArtifacts
    chromium: FakeChromium
    keys: KeyStore
    clock: MovableClock
    signer: TokenSigner
    server: ApiServer
    admin_key: str
    user_key: str
    other_key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def http(self, key: str | None = None, **options: Any) -> httpx2.AsyncClient:
        """A client that sends `key`."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=10, verify=_NO_TLS, **options
        )

    async def session(self, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a session as the user; returns the answer."""
        async with self.http(self.user_key) as client:
            answer = await client.post("/v1/sessions", json=dict(body or {}))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def session_id(self) -> SessionId:
        return SessionId((await self.session())["id"])


@asynccontextmanager
async def running_api(**options: Any) -> AsyncGenerator[RunningApi]:
    """Serve on a free port of 127.0.0.1. `options` go into `ApiDeps`."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(await asyncio.to_thread(_engine, Path(directory) / "cloche.db"))
        try:
            async with FakeChromium() as chromium, _served(database, chromium, options) as api:
                yield api
        finally:
            await database.close()


@asynccontextmanager
async def _served(database: Database, chromium: FakeChromium, options: Mapping[str, Any]) -> AsyncGenerator[RunningApi]:
    manager, clock = FakeSessionManager(chromium), MovableClock()
    keys = KeyStore(database, clock)
    scopes = frozenset({Scope.MACHINE})
    secrets = {n: (await keys.create(principal=n, role=role, scopes=scopes))[1] for n, role in _PRINCIPALS.items()}
    profiles, artifacts = FakeProfiles(manager), FakeArtifacts(manager)
    pools = unfilled_pools(manager, database, clock)
    kept: dict[str, Any] = {"profiles": profiles, "artifacts": artifacts, "pools": pools} | dict(options)
    deps = ApiDeps(
        manager=manager, keys=keys, token_secret=TOKEN_SECRET, clock=clock, registry=CollectorRegistry(), **kept
    )
    listener = socket.create_server(("127.0.0.1", 0))
    # Accepted sockets inherit it. uvloop sets it, asyncio only where the socket names its protocol; without it every
    # answer of head and body waits 40 ms for the client's delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with ApiServer(deps, [listener]) as server:
        yield RunningApi(
            port=listener.getsockname()[1],
            manager=manager,
            profiles=profiles,
            artifacts=artifacts,
            chromium=chromium,
            keys=keys,
            clock=clock,
            signer=TokenSigner(TOKEN_SECRET),
            server=server,
            admin_key=secrets["root"],
            user_key=secrets["alice"],
            other_key=secrets["mallory"],
        )


def _engine(path: Path) -> AsyncEngine:
    """The tables without the migrations, which read files and take longer than most tests."""
    plain = create_engine(f"sqlite:///{path}")
    metadata.create_all(plain)
    plain.dispose()
    return create_async_engine(f"sqlite+aiosqlite:///{path}")


_PRINCIPALS: Final = {"root": Role.ADMIN, "alice": Role.USER, "mallory": Role.USER}
