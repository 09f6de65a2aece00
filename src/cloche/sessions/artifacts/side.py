"""A session's part that has its downloads caught: the watch over its browser, and what becomes of each."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from cloche.browser.contract.common import ActionError
from cloche.browser.downloads import DownloadWatch, Treatment
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError, GoneError
from cloche.ids import SessionId
from cloche.sessions.artifacts.collector import Collector
from cloche.sessions.artifacts.surroundings import CollectorOwner, Store
from cloche.sessions.audit import AuditWriter
from cloche.sessions.browsing.artifacts import BrowsingArtifacts, Shelf
from cloche.sessions.browsing.service import BrowserService
from cloche.sessions.keeping import Kept
from cloche.sessions.model import Downloads, Session
from cloche.wire.agent_config import SPOOL_DIR

BEGIN_S: Final = 1.0
"""How long a client waits for downloads to be watched. Until they are, Chromium's shell refuses them, and full Chromium
leaves them where nobody takes them from."""
ANSWERED_S: Final = 0.004
"""What a session that has no page of its own is left to say that it is ready, before the watch takes its turns."""
RETRY_S: Final = 1.0
INSIST_S: Final = (0.0, 0.2, 1.0)
"""When after a client has left: Chromium notices that a little later than we do, and only then forgets what was set."""
SETTLE_S: Final = 2.0
"""How long a session's end waits for what has been downloaded already."""

_log = structlog.get_logger(__name__)
Open = Callable[..., Awaitable[DownloadWatch]]


class SideStore(Store, Shelf, Protocol):
    """What is asked of `artifacts.store.ArtifactStore`."""

    async def forget_session(self, session_id: SessionId) -> int:
        """A private session has ended: none of its files stays."""
        ...


class SideOwner(CollectorOwner, Protocol):
    """What a runner does for it."""

    @property
    def browsing(self) -> BrowserService: ...

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        """Raises: GoneError, ConflictError (`browser_stopped`), AgentError, DeadlineError."""
        ...


class ArtifactSide(Kept):
    """Owned by the runner's `Keeping`."""

    def __init__(
        self,
        session: Session,
        owner: SideOwner,
        store: SideStore,
        audit: AuditWriter,
        *,
        open_watch: Open = DownloadWatch.open,
    ) -> None:
        self.collector = Collector(session, owner, store, self, audit)
        owner.browsing.artifacts = BrowsingArtifacts(
            session.owner,
            self.collector,
            store,
            upload_bytes=session.options.budget.upload_bytes,
            private=session.options.private,
        )
        self._owner = owner
        self._session_id, self._is_private, self._store = session.id, session.options.private, store
        self._open_watch = open_watch
        self._treatment = Treatment.SPOOL if session.options.downloads is Downloads.QUARANTINE else Treatment.REFUSE
        self._watch: DownloadWatch | None = None
        self._has_no_page = session.options.start_url is None
        self._is_new = False
        self._somebody_came = asyncio.Event()
        self._tried = asyncio.Event()
        """It is watched, or could not be at once."""
        self._came = asyncio.Event()
        """There may be another browser than the one that was dialled last."""
        self._watching: asyncio.Task[None] | None = None
        self._insisting: asyncio.Task[None] | None = None
        self._insist_at = 0
        self._log = _log.bind(session=session.id)

    # --- for the runner (Kept) --------------------------------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        return self.collector.is_at_work

    async def furnish(self) -> None:
        self._is_new = True

    async def begin(self) -> None:
        if not self._is_new and self._treatment is Treatment.SPOOL:
            await self.collector.clear()
        # Not waited for: Chromium is busy with its first page, and nobody is in yet who could download anything.
        self._watching = spawn(self._begin_watching(), name="downloads")

    async def client_comes(self) -> None:
        self._somebody_came.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_S):
                await self._tried.wait()

    def browser_came(self) -> None:
        self._came.set()

    def browser_went(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self.collector.browser_went()

    def client_left(self) -> None:
        self._insist_at = 0
        if self._insisting is None or self._insisting.done():
            self._insisting = spawn(self._insist(), name="downloads-insist")

    async def save(self, reason: str) -> None:
        await self.collector.settle(SETTLE_S)

    async def close(self) -> None:
        await cancel_and_wait(self._watching, self._insisting)
        if self._watch is not None:
            self._watch.close()
        await self.collector.close()
        if self._is_private:
            await self._store.forget_session(self._session_id)

    # --- for its collector (Chromium) -------------------------------------------------------------------------------

    def cancel(self, guid: str) -> None:
        if self._watch is not None:
            self._watch.cancel(guid)

    def refuse_all(self) -> None:
        if self._treatment is not Treatment.REFUSE:
            self._treatment = Treatment.REFUSE
            if self._watch is not None:
                self._watch.treat(Treatment.REFUSE)

    def media_type_of(self, url: str) -> str:
        """What the server called the answer from that address (redacted), where the browser service has seen it."""
        return self._owner.browsing.media_type_of(url)

    # --- the watch --------------------------------------------------------------------------------------------------

    async def _begin_watching(self) -> None:
        if self._has_no_page:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWERED_S):
                    await self._somebody_came.wait()
        await self._keep_watching()

    async def _keep_watching(self) -> None:
        """One watch after the other, as long as there is a session; a browser ends more often than that."""
        while True:
            self._came.clear()
            patience_s: float | None = RETRY_S
            try:
                await self._watch_once()
            except GoneError:
                self._tried.set()
                return
            except ConflictError:
                self._tried.set()
                patience_s = None  # it was stopped, and stays so until somebody starts it
            except (ClocheError, ActionError) as error:
                self._log.warning("downloads_not_watched", error=error.code)
                self._tried.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._came.wait()

    async def _watch_once(self) -> None:
        sock, path = await self._owner.dial_devtools(is_own=True)
        self._watch = await self._open_watch(sock, path, self.collector, spool=SPOOL_DIR, treatment=self._treatment)
        self._tried.set()
        await self._watch.ended()
        self._tried.clear()

    async def _insist(self) -> None:
        while self._insist_at < len(INSIST_S):
            pause_s = INSIST_S[self._insist_at]
            self._insist_at += 1
            await asyncio.sleep(pause_s)
            if self._watch is not None and not self._watch.is_closed:
                self._watch.insist()
