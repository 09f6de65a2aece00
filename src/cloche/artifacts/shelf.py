"""What the parts of the store have in common: rows, blobs, keys, and who has how much room."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloche.artifacts import rows
from cloche.artifacts.accounts import Accounts
from cloche.artifacts.blobs import BlobDirectory
from cloche.artifacts.draft import StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.model import Artifact, ArtifactKind
from cloche.artifacts.private import PrivateArtifact, PrivateArtifacts
from cloche.artifacts.rows import Filter, Stored, Totals
from cloche.clock import Clock
from cloche.concurrency.threads import in_thread
from cloche.errors import NotFoundError
from cloche.ids import ArtifactId, SessionId
from cloche.storage.database import Database

Found = Stored | PrivateArtifact


@dataclass(slots=True)
class Shelf:
    database: Database
    blobs: BlobDirectory
    keys: ArtifactKeys
    clock: Clock
    limits: StoreLimits
    private: PrivateArtifacts = field(default_factory=PrivateArtifacts)
    writing: set[str] = field(default_factory=set)
    """Blobs that may be there although no row tells of them yet."""
    accounts: Accounts = field(init=False)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.totals)

    async def find(self, artifact_id: ArtifactId) -> Found:
        """Raises: NotFoundError."""
        found: Found | None = self.private.get(artifact_id)
        if found is None:
            async with self.database.read() as connection:
                found = await rows.get(connection, artifact_id)
        if found is None:
            raise NotFoundError("no such artifact")
        return found

    async def totals(self, wanted: Filter) -> Totals:
        async with self.database.read() as connection:
            stored = await rows.totals(connection, wanted)
        private = self.private.totals(wanted)
        return Totals(stored.size_bytes + private.size_bytes, stored.artifacts + private.artifacts)

    def data_key(self, found: Found) -> bytes:
        """Raises: UnknownKeyError, WrongKeyError."""
        if isinstance(found, PrivateArtifact):
            return found.data_key
        return self.keys.unwrap(found.data_key or "", found.artifact)

    async def forget(self, gone: Iterable[Found]) -> None:
        """Their records are deleted: delete their bytes, and let others have the room."""
        found = list(gone)
        for one in found:
            self._freed(one)
        await in_thread(self.blobs.remove, [one.blob for one in found if one.blob is not None])

    def _freed(self, one: Found) -> None:
        size_bytes = one.artifact.size_bytes if one.blob is not None else 0
        for account in accounts_of(one.artifact):
            self.accounts.freed(account, size_bytes, 1)


def accounts_of(artifact: Artifact) -> list[Filter]:
    """In which it counts."""
    owner = Filter(owner=artifact.owner)
    return [owner] if artifact.session_id is None else [account_of(artifact.session_id, artifact.kind), owner]


def account_of(session_id: SessionId, kind: ArtifactKind) -> Filter:
    """Of a session. Recordings have one of their own: one of them would leave no room for what pages give."""
    if kind is ArtifactKind.RECORDING:
        return Filter(session_id=session_id, kind=kind)
    return Filter(session_id=session_id, apart_from=ArtifactKind.RECORDING)
