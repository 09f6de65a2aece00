"""What comes out of one session: downloads as Chromium tells of them, and what the daemon makes of pages itself.

Everything that is told here is the sandbox's word, at any rate it likes. So what may be under way, what is remembered
and what is written down is bounded; what is beyond is refused or counted, and never kept for later.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from cloche.artifacts.draft import Bounds, Draft
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.audit.model import AuditRecord
from cloche.browser.downloads import Begun
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError, GoneError, InvalidError, NotFoundError, QuotaError
from cloche.ids import ArtifactId
from cloche.sessions.artifacts.surroundings import Chromium, CollectorOwner, Store
from cloche.sessions.audit import AuditWriter
from cloche.sessions.interface import MachineRequest
from cloche.sessions.model import EventType, Session
from cloche.wire.agent_config import SPOOL_DIR

MAX_TAKEN: Final = 3
"""Downloads that are taken out of one session side by side: with one alone, sandbox and disk wait for each other."""
TAKE_S: Final = 300.0
SLOWEST_BYTES_S: Final = 1 << 20
"""How long one may take, more for what may be larger: an agent that gives a byte a minute would never be done."""
MAX_UNDER_WAY: Final = 256
"""Downloads that have begun and not ended; Chromium would have any number of them go on at once."""
MAX_REJECTED: Final = 32
"""Records of downloads that were not kept. More are only counted: a page begins thousands in a loop."""
MAX_REMEMBERED: Final = 256
"""Downloads of which is known what has become of them."""
MAX_REMOVED: Final = 1024
"""Files that wait to be removed from the sandbox. What is beyond stays there, within the session's own memory."""

NO_ROOM: Final = "session_quota"
"""The reason of what is ended because the session's room is used up; the store gives the same."""
TOO_MANY: Final = "too_many_artifacts"
NOT_READABLE: Final = "not_readable"
"""It was no regular file, or not there, when it was to be taken."""
BROWSER_ENDED: Final = "browser_ended"
SESSION_ENDED: Final = "session_ended"
CANCELED: Final = "canceled"
"""By the page, a client or the network; the daemon had no part in it."""

_KEPT: Final = {
    ArtifactState.READY: EventType.ARTIFACT_READY,
    ArtifactState.RELEASED: EventType.ARTIFACT_READY,
    ArtifactState.QUARANTINED: EventType.ARTIFACT_QUARANTINED,
    ArtifactState.CONDEMNED: EventType.ARTIFACT_QUARANTINED,
    ArtifactState.REJECTED: EventType.ARTIFACT_REJECTED,
}

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Coming:
    begun: Begun
    received_bytes: int = 0
    is_complete: bool = False
    outcome: "asyncio.Future[ArtifactId | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Collector:
    """Owned by the session's `ArtifactSide`, which tells it of downloads (`browser.downloads.Listener`)."""

    def __init__(
        self, session: Session, owner: CollectorOwner, store: Store, chromium: Chromium, audit: AuditWriter
    ) -> None:
        self._session = session
        self._owner = owner
        self._store = store
        self._chromium = chromium
        self._audit = audit
        budget = session.options.budget
        self._most = budget.artifacts
        self._most_bytes = budget.artifacts_bytes
        self._bounds = Bounds(
            max_file_bytes=budget.artifact_bytes,
            session_bytes=budget.artifacts_bytes,
            session_artifacts=budget.artifacts,
        )
        self._coming: dict[str, _Coming] = {}
        self._ended: OrderedDict[str, ArtifactId | None] = OrderedDict()
        self._kept = self._kept_bytes = self._rejected = 0
        self._places = asyncio.Semaphore(MAX_TAKEN)
        self._to_remove: deque[str] = deque()
        self._is_removing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = _log.bind(session=session.id)

    # --- what Chromium tells (browser.downloads.Listener) -----------------------------------------------------------

    def began(self, download: Begun) -> None:
        if download.guid in self._coming:
            return
        if self._kept + self._rejected + len(self._coming) >= self._most or len(self._coming) >= MAX_UNDER_WAY:
            self._chromium.cancel(download.guid)
            self._refuse(download, TOO_MANY)
            if self._kept >= self._most:
                self._chromium.refuse_all()
            return
        self._coming[download.guid] = _Coming(download)

    def grew(self, guid: str, received_bytes: int, total_bytes: int) -> None:
        coming = self._known(guid)
        if coming is None or coming.is_complete:
            return
        coming.received_bytes = max(0, received_bytes)
        if self._kept_bytes + self._others_bytes(coming) + max(received_bytes, total_bytes) > self._most_bytes:
            self._chromium.cancel(guid)
            self._drop(coming, NO_ROOM)

    def completed(self, guid: str, path: str) -> None:
        coming = self._known(guid)
        if coming is None:
            # Refused, but complete before Chromium heard of that.
            self._remove(guid)
        elif not coming.is_complete:
            coming.is_complete = True
            self._later(self._take(coming, path), "artifact")

    def canceled(self, guid: str) -> None:
        coming = self._coming.get(guid)
        if coming is not None and not coming.is_complete:
            self._end(coming, None)
            self._tell_rejected(coming.begun, CANCELED)

    def _known(self, guid: str) -> _Coming | None:
        """Also of one that nobody told of: an address longer than is read keeps its beginning from being heard."""
        if guid not in self._coming and guid not in self._ended:
            self.began(Begun(guid=guid))
        return self._coming.get(guid)

    # --- for its side -----------------------------------------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        """A download is under way, or is being kept."""
        return bool(self._coming or self._tasks)

    def browser_went(self) -> None:
        """What was not complete never will be."""
        for coming in [coming for coming in self._coming.values() if not coming.is_complete]:
            self._drop(coming, BROWSER_ENDED)
            self._remove(coming.begun.guid)

    async def settle(self, within_s: float) -> None:
        """The session ends: take what is complete, as far as there is time; tell of the rest."""
        for coming in [coming for coming in self._coming.values() if not coming.is_complete]:
            self._chromium.cancel(coming.begun.guid)
            self._drop(coming, SESSION_ENDED)
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=within_s)
        for coming in tuple(self._coming.values()):
            self._drop(coming, SESSION_ENDED)

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks)
        for coming in tuple(self._coming.values()):
            self._end(coming, None)

    async def clear(self) -> None:
        """Throw away what an earlier daemon has left there: of none of it is known what it was."""
        try:
            async with self._owner.machine.open(MachineRequest(method="DELETE", path="/spool")):
                return
        except NotFoundError:
            return  # the sandbox is older than spools are
        except ClocheError as error:
            self._log.warning("spool_not_cleared", error=error.code)

    # --- for the browser service ------------------------------------------------------------------------------------

    def keep_soon(self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str) -> ArtifactId | None:
        """As `keep`, without a wait: whoever asks for it before it is there waits then. None where there is no room."""
        taken_bytes = self._kept_bytes + sum(coming.received_bytes for coming in self._coming.values())
        has_place = self._kept + self._rejected + len(self._coming) < self._most
        if not has_place or taken_bytes + len(data) > self._most_bytes:
            return None
        draft = self._draft(kind, name, media_type=media_type, url=url, trusted=True)
        artifact_id, storing = self._store.add_soon(draft, data)
        self._kept, self._kept_bytes = self._kept + 1, self._kept_bytes + len(data)
        self._later(self._told(kind, storing), "keep")
        return artifact_id

    async def _told(self, kind: ArtifactKind, storing: "asyncio.Task[Artifact]") -> None:
        try:
            self._publish(await asyncio.shield(storing))
        except ClocheError as error:
            self._log.warning("artifact_not_kept", kind=kind, error=error.code)

    async def keep(self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str) -> ArtifactId | None:
        """Keep what the daemon made of a page; None where that cannot be kept. `url` is redacted."""
        draft = self._draft(kind, name, media_type=media_type, url=url, trusted=True)
        try:
            artifact = await self._store.add(draft, _whole(data))
        except ClocheError as error:
            self._log.info("artifact_not_kept", kind=kind, error=error.code)
            return None
        self._count(artifact)
        self._publish(artifact)
        return artifact.id if artifact.state is not ArtifactState.REJECTED else None

    async def outcome(self, guid: str, within_s: float) -> ArtifactId | None:
        """What a download has become, or becomes within that time."""
        coming = self._coming.get(guid)
        if coming is None:
            return self._ended.get(guid)
        await asyncio.wait((coming.outcome,), timeout=within_s)
        return coming.outcome.result() if coming.outcome.done() else None

    # --- one download -----------------------------------------------------------------------------------------------

    async def _take(self, coming: _Coming, path: str) -> None:
        guid = coming.begun.guid
        in_spool = not path or path == f"{SPOOL_DIR}/{guid}"
        try:
            async with self._places:
                began = asyncio.get_running_loop().time()
                async with asyncio.timeout(TAKE_S + self._most_bytes / SLOWEST_BYTES_S):
                    artifact = await self._taken(coming, f"/spool/{guid}" if in_spool else "/spool", path)
        except (InvalidError, NotFoundError, ConflictError):
            self._drop(coming, NOT_READABLE)
        except QuotaError:
            self._drop(coming, TOO_MANY, is_recorded=False)
        except GoneError:
            self._end(coming, None)
            return
        except (ClocheError, TimeoutError) as error:
            self._log.warning("download_not_taken", error=getattr(error, "code", "timeout"))
            self._drop(coming, NOT_READABLE)
        except Exception:
            self._drop(coming, NOT_READABLE, is_recorded=False)  # the database's, most likely: it takes no record
            raise
        else:
            self._count(artifact)
            self._end(coming, artifact.id)
            self._publish(artifact, took_s=asyncio.get_running_loop().time() - began)
        if in_spool:
            self._remove(guid)

    async def _taken(self, coming: _Coming, route: str, path: str) -> Artifact:
        draft = self._draft_of(coming.begun)
        query = {"path": path} if route == "/spool" else {}
        async with self._owner.machine.open(MachineRequest(method="GET", path=route, query=query)) as answer:
            return await self._store.add(draft, answer.body)

    def _remove(self, guid: str) -> None:
        if len(self._to_remove) < MAX_REMOVED:
            self._to_remove.append(guid)
            if not self._is_removing:
                self._is_removing = True
                self._later(self._remove_all(), "spool-remove")

    async def _remove_all(self) -> None:
        """One after the other: there may be many, and the agent has others to serve."""
        try:
            while self._to_remove:
                request = MachineRequest(method="DELETE", path=f"/spool/{self._to_remove.popleft()}")
                async with self._owner.machine.open(request):
                    continue
        except ClocheError as error:
            self._log.info("spool_not_emptied", error=error.code)
        finally:
            self._is_removing = False

    def _draft_of(self, begun: Begun) -> Draft:
        url, referrer = begun.redacted()
        type_ = self._chromium.media_type_of(url)
        return self._draft(ArtifactKind.DOWNLOAD, begun.suggested_name, url=url, referrer=referrer, media_type=type_)

    def _draft(
        self, kind: ArtifactKind, name: str, *, media_type: str, url: str, referrer: str = "", trusted: bool = False
    ) -> Draft:
        session = self._session
        return Draft(
            owner=session.owner,
            session_id=session.id,
            profile_id=session.options.profile.id if session.options.profile is not None else None,
            kind=kind,
            suggested_name=name,
            declared_type=media_type,
            source_url=url,
            referrer=referrer,
            private=session.options.private,
            bounds=self._bounds,
            trusted=trusted,
            must_fit=trusted,
        )

    def _others_bytes(self, coming: _Coming) -> int:
        return sum(other.received_bytes for other in self._coming.values() if other is not coming)

    # --- how it ends ------------------------------------------------------------------------------------------------

    def _count(self, artifact: Artifact) -> None:
        self._kept += 1
        if artifact.state is not ArtifactState.REJECTED:
            self._kept_bytes += artifact.size_bytes

    def _end(self, coming: _Coming, artifact_id: ArtifactId | None) -> None:
        self._coming.pop(coming.begun.guid, None)
        self._remember(coming.begun.guid, artifact_id)
        if not coming.outcome.done():
            coming.outcome.set_result(artifact_id)

    def _remember(self, guid: str, artifact_id: ArtifactId | None) -> None:
        self._ended[guid] = artifact_id
        if len(self._ended) > MAX_REMEMBERED:
            self._ended.popitem(last=False)

    def _drop(self, coming: _Coming, reason: str, *, is_recorded: bool = True) -> None:
        self._end(coming, None)
        if is_recorded:
            self._refuse(coming.begun, reason, coming.received_bytes)
        else:
            self._tell_rejected(coming.begun, reason)

    def _refuse(self, begun: Begun, reason: str, size_bytes: int = 0) -> None:
        """Write down, while there are few of them, that a download was not kept; tell of it, at a bounded rate."""
        self._remember(begun.guid, None)
        # A record takes a place too, and not that of a file which may still be kept.
        if self._rejected >= MAX_REJECTED or self._kept + self._rejected + len(self._coming) >= self._most:
            self._tell_rejected(begun, reason)
            return
        self._rejected += 1
        self._later(self._record(begun, reason, size_bytes), "artifact-rejected")

    async def _record(self, begun: Begun, reason: str, size_bytes: int) -> None:
        draft = self._draft_of(begun)
        try:
            self._publish(await self._store.reject(draft, reason, size_bytes=size_bytes))
        except ClocheError as error:
            self._log.info("rejection_not_recorded", error=error.code)
            self._tell_rejected(begun, reason)

    def _publish(self, artifact: Artifact, *, took_s: float | None = None) -> None:
        """`took_s`: from its first byte out of the sandbox to its record."""
        data: dict[str, str | int | float | bool | None] = {
            "artifact": artifact.id,
            "kind": artifact.kind,
            "size_bytes": artifact.size_bytes,
            "reasons": ",".join(artifact.reasons),
        }
        if took_s is not None:
            data["ms"] = round(took_s * 1000, 1)
        if not artifact.private:
            data["file_name"] = artifact.file_name
        type_ = _KEPT[artifact.state]
        self._owner.publish(type_, data)
        data.pop("artifact")
        data.pop("file_name", None)  # the journal stays when the file has gone, and names tell what was in it
        if not artifact.private:
            data["sha256"] = artifact.sha256
        self._audit.note(
            AuditRecord(
                kind=type_,
                actor="sandbox" if artifact.kind is ArtifactKind.DOWNLOAD else "cloche",
                owner=artifact.owner,
                session_id=self._session.id,
                subject=artifact.id,
                data=data,
            )
        )

    def _tell_rejected(self, begun: Begun, reason: str) -> None:
        self._owner.report(EventType.ARTIFACT_REJECTED, {"kind": ArtifactKind.DOWNLOAD, "reasons": reason})

    def _later(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = spawn(work, name=f"{name}:{self._session.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
