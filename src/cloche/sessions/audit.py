"""What sessions and doors write into the audit journal, and what can be asked of it.

`audit.journal.Journal` is the writer, `audit_reader.JournalReader` the reader. `docs/how-to/audit.md` lists the kinds.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from cloche.audit.exported import line_of
from cloche.audit.model import AuditEvent, AuditFilter, AuditPage, AuditRecord, Verified
from cloche.sessions.principal import Principal


class AuditWriter(Protocol):
    """What whoever does something writes to. Both are cheap where the journal is in order."""

    def require(self) -> None:
        """Raises: JournalError when nothing can be written down and so nothing new may be done."""
        ...

    def note(self, record: AuditRecord) -> None:
        """Put a record into the journal, after all that were noted before. Returns at once; see `settled`."""
        ...

    async def settled(self) -> None:
        """Wait until everything noted so far is written. Raises: JournalError when it could not be."""
        ...


class AuditReader(Protocol):
    async def list(
        self,
        principal: Principal,
        wanted: AuditFilter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        after: int | None = None,
    ) -> AuditPage:
        """An admin sees all, a user what concerns the own things. `limit` 1–1000.

        Newest first; with `after` oldest first, from the row behind that number. The next cursor goes into `cursor`
        or, there, into `after`. Raises: InvalidError.
        """
        ...

    def export(self, principal: Principal, wanted: AuditFilter) -> AsyncIterator[AuditEvent]:
        """All of it, oldest first. For an admin; DeniedError otherwise."""
        ...

    async def verify(self, principal: Principal) -> Verified:
        """Follow the whole chain. For an admin."""
        ...


def exported_line(event: AuditEvent) -> str:
    """An event as one line of an export, its end included."""
    return line_of(event)


class NoAudit(AuditWriter):
    """For tests of what is beside it, and for a daemon whose settings turn it off."""

    def require(self) -> None: ...

    def note(self, record: AuditRecord) -> None: ...

    async def settled(self) -> None: ...
