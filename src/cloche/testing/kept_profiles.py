"""What a session's profile meets, in memory: a store of revisions, and a runner whose sandbox holds one directory."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cloche.browser.call import Call, Limits
from cloche.browser.contract.state import (
    GetStorageStateRequest,
    GetStorageStateResponse,
    SetStorageStateRequest,
    SetStorageStateResponse,
    StorageState,
)
from cloche.browser.memory import Memory
from cloche.browser.state.keeping import Restored
from cloche.browser.state.kept_state import KeptState
from cloche.concurrency.tasks import spawn
from cloche.errors import ConflictError, NotFoundError
from cloche.ids import PrincipalName, ProfileId, SessionId, new_profile_id
from cloche.profiles.lease import Lease, may_save, may_take
from cloche.profiles.model import Profile, ProfileForm, Revision
from cloche.sessions.events import Data
from cloche.sessions.interface import MachineAnswer, MachineRequest
from cloche.sessions.model import EventType, Session
from cloche.sessions.profiles.state_tools import StateTools
from cloche.testing.sessions import NOON, make_session
from cloche.wire.messages import Payload
from cloche.wire.upload import Kind, RecordReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    revision: int
    form: ProfileForm
    engine: str
    manifest: bytes
    content: bytes
    session_id: SessionId | None = None

    @property
    def body(self) -> AsyncIterator[bytes]:
        return self._pieces()

    async def _pieces(self) -> AsyncGenerator[bytes]:
        for at in range(0, len(self.content), 4096):
            yield self.content[at : at + 4096]


@dataclass
class MemoryStore:
    """`sessions.profiles.storing.ProfileStoring`. `holds` keeps whoever saves waiting; `fails` is raised instead."""

    profiles: dict[ProfileId, Profile] = field(default_factory=dict)
    revisions: dict[ProfileId, list[Saved]] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)
    holds: asyncio.Event | None = None
    fails: Exception | None = None
    garbage_collected: int = 0

    def add(self, owner: str = "ann", **facts: Any) -> Profile:
        profile = Profile(
            id=new_profile_id(),
            owner=PrincipalName(owner),
            name="work",
            **{"created_at": NOON, "updated_at": NOON, "last_used_at": NOON} | facts,
        )
        self.profiles[profile.id] = profile
        return profile

    def put(
        self,
        profile_id: ProfileId,
        content: bytes,
        *,
        form: ProfileForm = ProfileForm.DIRECTORY,
        engine: str = "shell",
        manifest: bytes = b"",
        session_id: SessionId | None = None,
    ) -> Saved:
        made = self.revisions.setdefault(profile_id, [])
        saved = Saved(
            revision=len(made) + 1,
            form=form,
            engine=engine if form is ProfileForm.DIRECTORY else "",
            manifest=manifest,
            content=content,
            session_id=session_id,
        )
        made.append(saved)
        self.profiles[profile_id] = replace(
            self.profiles[profile_id], revision=saved.revision, form=form, engine=saved.engine
        )
        return saved

    def delete(self, profile_id: ProfileId) -> None:
        del self.profiles[profile_id]
        self.leases = [lease for lease in self.leases if lease.profile_id != profile_id]

    async def get(self, profile_id: ProfileId) -> Profile:
        if profile_id not in self.profiles:
            raise NotFoundError("no such profile")
        return self.profiles[profile_id]

    async def active(self, owner: PrincipalName) -> Profile | None:
        return next((one for one in self.profiles.values() if one.active and one.owner == owner), None)

    async def take(self, profile_id: ProfileId, session_id: SessionId, *, writes: bool) -> Lease:
        held = [lease for lease in self.leases if lease.profile_id == profile_id]
        if refusal := may_take(held, session_id, writes=writes):
            raise ConflictError("in use", reason=str(refusal))
        revision = (await self.get(profile_id)).revision
        lease = Lease(profile_id=profile_id, session_id=session_id, writes=writes, revision=revision, taken_at=NOON)
        self.leases.append(lease)
        return lease

    async def give_back(self, session_id: SessionId) -> None:
        self.leases = [lease for lease in self.leases if lease.session_id != session_id]

    @asynccontextmanager
    async def read(self, profile_id: ProfileId, revision: int | None = None) -> AsyncGenerator[Saved]:
        if self.fails is not None:
            raise self.fails
        made = self.revisions[profile_id]
        yield made[-1] if revision is None else made[revision - 1]

    async def save(
        self,
        profile_id: ProfileId,
        session_id: SessionId | None,
        *,
        form: ProfileForm,
        engine: str,
        manifest: bytes,
        body: AsyncIterator[bytes],
    ) -> Revision:
        content = b"".join([piece async for piece in body])
        if self.holds is not None:
            await self.holds.wait()
        if self.fails is not None:
            raise self.fails
        if profile_id not in self.profiles:
            raise ConflictError("deleted", reason="profile_deleted")
        if refusal := may_save([one for one in self.leases if one.profile_id == profile_id], session_id):
            raise ConflictError("not the writer", reason=str(refusal))
        saved = self.put(profile_id, content, form=form, engine=engine, manifest=manifest, session_id=session_id)
        return Revision(
            revision=saved.revision,
            form=form,
            engine=engine,
            size_bytes=len(content),
            session_id=session_id,
            created_at=NOON,
        )

    async def add_snapshot(self, owner: PrincipalName, session_id: SessionId) -> Profile:
        profile = self.add(owner, kept_for=session_id)
        await self.take(profile.id, session_id, writes=True)
        return profile

    async def drop_snapshots(self, session_id: SessionId) -> None:
        for profile in [one for one in self.profiles.values() if one.kept_for == session_id]:
            self.delete(profile.id)

    async def forget_snapshots(self, keep: Collection[SessionId]) -> None:
        for profile in [one for one in self.profiles.values() if one.kept_for and one.kept_for not in keep]:
            self.delete(profile.id)

    async def forget_leases(self, keep: Collection[SessionId]) -> None:
        self.leases = [lease for lease in self.leases if lease.session_id in keep]

    async def collect_garbage(self) -> None:
        self.garbage_collected += 1


class _Browser:
    def __init__(self) -> None:
        self.memory = Memory()
        self.tabs_to_come = 0
        self.tabs: dict[str, Any] = {}


@dataclass
class OneDirectory:
    """A runner, its machine and its browser service for `ProfileSide`: a browser and one directory, as bytes."""

    session: Session = field(default_factory=make_session)
    directory: bytes = b""
    is_running: bool = False
    events: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Paths, and what else was done, in order."""
    refuses: dict[str, Exception] = field(default_factory=dict)
    """By path."""
    state: KeptState = field(default_factory=KeptState)
    """What `capture` finds and `restore` leaves."""
    storage: StorageState = field(default_factory=StorageState)
    wanted_origins: list[str] = field(default_factory=list)
    started_with: Payload = field(default_factory=dict)
    expected: list[bool] = field(default_factory=list)
    pages_load: asyncio.Event | None = None
    """What the pages of tabs that are opened again wait for."""

    all_there: asyncio.Event = field(default_factory=asyncio.Event)
    """Of tabs that are opened again; set, where a test does not clear it."""

    def __post_init__(self) -> None:
        self.browser: Any = _Browser()
        self.all_there.set()

    @property
    def machine(self) -> Any:
        return self

    @property
    def browsing(self) -> Any:
        return self

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.events.append((type_, dict(data or {})))

    def browser_returns(self, *, is_expected: bool) -> None:
        self.expected.append(is_expected)

    async def outside_budget(self, timeout_s: float) -> Call:
        if not self.is_running:
            raise ConflictError("the browser was stopped", reason="browser_stopped")
        return Call(browser=self.browser, limits=Limits(), deadline=asyncio.get_running_loop().time() + timeout_s)

    async def ask(self, request: MachineRequest, *, timeout_s: float = 30.0) -> Payload:
        self._note(request)
        is_start = request.path == "/browser/start"
        if self.is_running == is_start:
            reason = "browser_running" if is_start else "browser_stopped"
            raise ConflictError("it is so already", reason=reason)
        self.is_running = is_start
        if is_start:
            self.started_with = dict(request.fields or {})
        return {}

    @asynccontextmanager
    async def open(
        self, request: MachineRequest, body: AsyncIterator[bytes] | None = None, *, timeout_s: float = 30.0
    ) -> AsyncGenerator[MachineAnswer]:
        self._note(request)
        assert not self.is_running, "the directory is only touched while the browser is stopped"
        if body is None:
            yield MachineAnswer(200, None, {}, _pieces(self.directory))
            return
        reader, received = RecordReader(), bytearray()
        target: Payload = {}
        async for piece in body:
            reader.feed(piece)
            while (record := reader.next_record()) is not None:
                received += record.data if record.kind is Kind.DATA else b""
                target = record.fields or target
        assert reader.is_finished
        assert target == {"dest_b64": "L3Byb2ZpbGU=", "strip_components": 0, "replace": True}
        self.directory = bytes(received)
        yield MachineAnswer(201, None, {}, _pieces(json.dumps({"files": 1}).encode()))

    def _note(self, request: MachineRequest) -> None:
        self.asked.append(request.path)
        if (error := self.refuses.get(request.path)) is not None:
            raise error

    # --- what its browser is asked ----------------------------------------------------------------------------------

    @property
    def tools(self) -> StateTools:
        return StateTools(
            capture=self._capture,
            restore=self._restore,
            get_storage_state=self._get_storage_state,
            set_storage_state=self._set_storage_state,
        )

    async def _capture(self, browser: object, deadline: float) -> KeptState:
        self.asked.append("capture")
        if (error := self.refuses.get("capture")) is not None:
            raise error
        return self.state

    async def _restore(self, browser: object, state: KeptState, deadline: float) -> Restored:
        self.asked.append("restore")
        if (error := self.refuses.get("restore")) is not None:
            raise error
        self.state = state
        loaded = asyncio.sleep(0) if self.pages_load is None else self.pages_load.wait()
        return Restored(0, 0, len(state.tabs), self.all_there, spawn(_done(loaded), name="rest"))

    async def _get_storage_state(self, call: Call, request: GetStorageStateRequest) -> GetStorageStateResponse:
        self.wanted_origins = request.origins
        return GetStorageStateResponse(storage_state=self.storage)

    async def _set_storage_state(self, call: Call, request: SetStorageStateRequest) -> SetStorageStateResponse:
        self.storage = request.storage_state
        return SetStorageStateResponse()


async def _done(what: Awaitable[object]) -> None:
    await what


async def _pieces(data: bytes) -> AsyncGenerator[bytes]:
    for at in range(0, len(data), 4096):
        yield data[at : at + 4096]
