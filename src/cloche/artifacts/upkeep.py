"""What is done about artifacts while nobody asks for them: expiry, what a crash left behind, new keys."""

from typing import Final

import structlog

from cloche.artifacts import rows
from cloche.artifacts.keys import context
from cloche.artifacts.model import ArtifactKind
from cloche.artifacts.rows import Filter, Stored
from cloche.artifacts.shelf import Shelf, account_of
from cloche.concurrency.threads import in_thread
from cloche.ids import SessionId
from cloche.vault.keys import Keyring, UnknownKeyError, WrongKeyError

LOST: Final = "lost"
"""The reason of one whose bytes were gone, or of the wrong size, when the daemon started."""
REWRAPPED_AT_ONCE: Final = 200

_log = structlog.get_logger(__name__)


class Upkeep:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def expire(self) -> int:
        """Delete those whose time is up, private ones too; return how many."""
        now, count = self._shelf.clock.now(), 0
        while True:
            async with self._shelf.database.begin() as connection:
                found = await rows.expired(connection, now)
                await rows.remove(connection, (one.artifact.id for one in found))
            if not found:
                break
            await self._shelf.forget(found)
            count += len(found)
        private = [one for one in self._shelf.private.matching(Filter()) if one.artifact.expires_at <= now]
        for one in private:
            self._shelf.private.remove(one.artifact.id)
        await self._shelf.forget(private)
        return count + len(private)

    async def forget_session(self, session_id: SessionId) -> int:
        """A private session has ended: nothing of it stays. Returns how many artifacts there were."""
        for kind in ArtifactKind:
            self._shelf.accounts.close(account_of(session_id, kind))
        found = self._shelf.private.matching(Filter(session_id=session_id))
        for one in found:
            self._shelf.private.remove(one.artifact.id)
        await self._shelf.forget(found)
        return len(found)

    async def collect_garbage(self) -> None:
        """Make blobs and rows agree again: after a crash, a restored backup, a hand in the directory."""
        parts = await in_thread(self._shelf.blobs.parts)
        present = await in_thread(self._shelf.blobs.present)
        # Looked at after the directory and before the rows: what is being written is in one of the two.
        writing = frozenset(self._shelf.writing)
        wanted = self._shelf.private.blobs() | writing
        lost, is_any_there = list[Stored](), False
        async with self._shelf.database.read() as connection:
            async for stored in rows.with_bytes(connection):
                blob = stored.blob or ""
                if present.get(blob) == stored.sealed_bytes:
                    wanted.add(blob)
                    is_any_there = True
                elif blob not in writing:
                    lost.append(stored)
        lost = await in_thread(self._still_lost, lost)
        if lost and not is_any_there:
            # All at once is no accident of one file: the directory is another, or its disk is not mounted.
            _log.error(
                "artifacts_not_there", count=len(lost), mend="see that the artifacts' directory is the right one"
            )
            lost = []
        if lost:
            async with self._shelf.database.begin() as connection:
                for stored in lost:
                    await rows.mark_lost(connection, stored, LOST)
        orphans = [name for name in present if name not in wanted]
        stale = [name for name in parts if name not in writing]
        await in_thread(self._shelf.blobs.remove, orphans)
        await in_thread(self._shelf.blobs.remove_parts, stale)
        if lost or orphans or stale:
            _log.warning("artifacts_mended", lost=len(lost), orphans=len(orphans), parts=len(stale))

    def _still_lost(self, lost: list[Stored]) -> list[Stored]:
        """One may have been added since the directory was read."""
        size_of = self._shelf.blobs.size_of
        return [one for one in lost if size_of(one.blob or "") != one.sealed_bytes]

    async def rewrap(self, keyring: Keyring) -> tuple[int, int]:
        """Wrap every data key by `keyring`'s current one; return how many were, and how many could not be read."""
        async with self._shelf.database.read() as connection:
            found = [stored async for stored in rows.with_bytes(connection, not_under=keyring.key_id)]
        rewrapped = unreadable = 0
        for at in range(0, len(found), REWRAPPED_AT_ONCE):
            async with self._shelf.database.begin() as connection:
                for stored in found[at : at + REWRAPPED_AT_ONCE]:
                    try:
                        data_key = self._shelf.data_key(stored)
                    except (UnknownKeyError, WrongKeyError):
                        unreadable += 1
                        continue
                    wrapped = keyring.wrap(data_key, context(stored.artifact))
                    rewrapped += await rows.rewrap(connection, stored, data_key=wrapped, key_id=keyring.key_id)
        return rewrapped, unreadable
