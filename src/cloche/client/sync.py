"""The synchronous client: the same calls as `aio`, carried by a blocking transport."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar, Unpack

import httpx2

from cloche.client import calls, keeping_calls
from cloche.client.answers import (
    AgentMetrics,
    AgentStatus,
    Event,
    ExecResult,
    Health,
    Key,
    KeyPage,
    NewKey,
    Ping,
    Readiness,
    Session,
    SessionPage,
)
from cloche.client.audit_sync import Audit
from cloche.client.browser_sync import Browser
from cloche.client.calls import Call, SessionOptions
from cloche.client.connection import TIMEOUT_S, Connection
from cloche.client.events import EventPosition
from cloche.client.keeping_answers import ArtifactPage
from cloche.client.keeping_sync import Artifacts, Profiles
from cloche.client.live_sync import Live
from cloche.client.machine_sync import Machine
from cloche.client.patience import Patience
from cloche.client.pool_sync import Pools
from cloche.errors import CapacityError, LostError

T = TypeVar("T")

STREAM_TIMEOUT: Final = httpx2.Timeout(30)
"""The server says every 15 s that it is still there."""


class SyncClient:
    """Talks to one server. A context manager, or `close` it.

    Every call raises the classes of `cloche.errors`; `LostError` too when the server cannot be reached.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._connection = Connection.of(url, key)
        self._http = httpx2.Client(**self._connection.options(), timeout=timeout_s)
        self.sessions = Sessions(self)
        self.keys = Keys(self)
        self.audit = Audit(self)
        self.profiles = Profiles(self)
        self.artifacts = Artifacts(self)
        self.pools = Pools(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def readiness(self) -> Readiness:
        """Ask whether a session can be made now."""
        return self.send(calls.readiness())

    def send(self, call: Call[T], *, content: bytes | Iterable[bytes] | None = None) -> T:
        """Send a call, with `content` instead of JSON where there is one."""
        try:
            response = self._http.request(**self._connection.request(call, content))
        except httpx2.TransportError as error:
            raise LostError(f"could not reach {self._connection.url}: {error or type(error).__name__}") from error
        return call.read(response.status_code, response.content)

    def stream_bytes(self, call: Call[bytes]) -> Iterator[bytes]:
        """Read an answer as it comes. One that breaks off raises LostError."""
        try:
            with self._http.stream(**self._connection.request(call)) as response:
                if response.status_code >= 400:
                    call.read(response.status_code, response.read())
                yield from response.iter_bytes()
        except httpx2.TransportError as error:
            raise LostError(f"the answer was broken off: {error or type(error).__name__}") from error

    def stream_data(self, call: Call[bytes]) -> Iterator[str]:
        """Read the data of server-sent events, to the end of the stream. One that breaks off raises LostError."""
        try:
            with self._http.stream(**self._connection.request(call), timeout=STREAM_TIMEOUT) as response:
                if response.status_code >= 400:
                    call.read(response.status_code, response.read())
                for event in httpx2.EventSource(response):
                    if event.data:
                        yield event.data
        except httpx2.TransportError as error:
            raise LostError(f"the stream was broken off: {error or type(error).__name__}") from error

    def stream(self, session_id: str, position: EventPosition) -> Iterator[Event]:
        """Read one connection's worth of events. Raises httpx2.TransportError when it drops."""
        call = calls.stream_events(session_id, position.after)
        with self._http.stream(**self._connection.request(call), timeout=STREAM_TIMEOUT) as response:
            if response.status_code == 204:
                position.has_ended = True
                return
            if response.status_code != 200:
                call.read(response.status_code, response.read())
            for event in httpx2.EventSource(response):
                if event.data:  # a block that only sets the retry time has none
                    yield position.take(event.data)


class Sessions:
    """`client.sessions`."""

    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def create(self, *, wait: bool = True, retry_for_s: float = 0.0, **options: Unpack[SessionOptions]) -> Session:
        """Make a session; with `wait=False` it comes back `pending` at once.

        Where there is no room now it is asked again for up to `retry_for_s` seconds, each time when the server says.
        `queue_timeout_s` has the server itself keep it waiting, in turn, which is the fairer way.
        """
        patience = Patience(retry_for_s)
        while True:
            try:
                return self._client.send(calls.create_session(options, wait=wait))
            except CapacityError as refusal:
                pause_s = patience.pause_s(refusal)
            time.sleep(pause_s)

    def get(self, session_id: str) -> Session:
        return self._client.send(calls.get_session(session_id))

    def list(
        self,
        *,
        status: str | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> SessionPage:
        """One page, newest first."""
        return self._client.send(calls.list_sessions(status=status, labels=labels, limit=limit, cursor=cursor))

    def iterate(self, *, status: str | None = None, labels: Mapping[str, str] | None = None) -> Iterator[Session]:
        """All of them, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(status=status, labels=labels, limit=200, cursor=cursor)
            yield from page.sessions
            if (cursor := page.next_cursor) is None:
                return

    def close(self, session_id: str) -> Session:
        """End it and wait until nothing of it runs."""
        return self._client.send(calls.close_session(session_id))

    def extend(self, session_id: str, *, lifetime_s: int) -> Session:
        return self._client.send(calls.extend_session(session_id, lifetime_s))

    def sleep(self, session_id: str) -> Session:
        """Stop it where it stands, until somebody comes or it is woken. Raises: Problem (`session_in_use`)."""
        return self._client.send(calls.put_to_sleep(session_id))

    def hibernate(self, session_id: str) -> Session:
        """Seal its state on the disk and free everything, until somebody comes; refused while somebody uses it."""
        return self._client.send(calls.hibernate(session_id))

    def wake(self, session_id: str) -> Session:
        """Let it go on, or bring it back. Whoever connects to it or acts in it wakes it too."""
        return self._client.send(calls.wake(session_id))

    def health(self, session_id: str, *, fresh: bool = False) -> Health:
        """What the agent last told of itself and its browser; with `fresh` it is asked now."""
        return self._client.send(calls.health(session_id, fresh=fresh))

    def metrics(self, session_id: str, *, fresh: bool = False) -> AgentMetrics:
        """What the agent last counted in the sandbox; with `fresh` it is asked now."""
        return self._client.send(calls.metrics(session_id, fresh=fresh))

    def agent_status(self, session_id: str) -> AgentStatus:
        """Whether the session is at work, and how its probes and integrations are."""
        return self._client.send(calls.agent_status(session_id))

    def agent_ping(self, session_id: str) -> Ping:
        return self._client.send(calls.agent_ping(session_id))

    def agent_exec(
        self,
        session_id: str,
        argv: Sequence[str] | None = None,
        *,
        command: str | None = None,
        stdin: str | None = None,
        timeout_s: int = 30,
    ) -> ExecResult:
        """Run `argv` as it stands, or the shell text `command`, in the sandbox of a session made with `machine`."""
        call = calls.agent_exec(session_id, argv=argv, command=command, stdin=stdin, timeout_s=timeout_s)
        return self._client.send(call)

    def downloads(
        self,
        session_id: str,
        *,
        state: str | None = None,
        kind: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ArtifactPage:
        """One page of the files that came out of it, newest first. `client.artifacts` reads them."""
        call = keeping_calls.session_downloads(session_id, state=state, kind=kind, limit=limit, cursor=cursor)
        return self._client.send(call)

    def machine(self, session_id: str) -> Machine:
        """The session as a small machine: its programs, files, logs, and its browser's stops and starts."""
        return Machine(self._client, session_id)

    def live(self, session_id: str) -> Live:
        """The session's live view: its viewers, links to it, and recordings."""
        return Live(self._client, session_id)

    def browser(self, session_id: str) -> Browser:
        """The session's browser: go to pages, act on them, look at them."""
        return Browser(self._client, session_id)

    def events(self, session_id: str, *, after: int | None = None) -> Iterator[Event]:
        """Stored events, then live ones, until the session has ended; a dropped connection is resumed."""
        position = EventPosition(after)
        while True:
            with suppress(httpx2.TransportError):  # a drop: `pause_s` counts it
                yield from self._client.stream(session_id, position)
            if position.has_ended:
                return
            time.sleep(position.pause_s())


class Keys:
    """`client.keys`; needs an admin's key."""

    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def create(self, *, principal: str, role: str = "user", name: str = "", scopes: Sequence[str] = ()) -> NewKey:
        return self._client.send(calls.create_key(principal=principal, role=role, name=name, scopes=scopes))

    def list(self, *, limit: int = 50, cursor: str | None = None) -> KeyPage:
        return self._client.send(calls.list_keys(limit=limit, cursor=cursor))

    def revoke(self, key_id: str) -> Key:
        return self._client.send(calls.revoke_key(key_id))
