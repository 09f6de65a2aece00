"""A journal as JSON Lines: what an export writes, and following the chain in one, without a server. Pure.

A line holds everything its hash is made of, so a file can be followed from its second row on by anyone. Where it
begins with row 1, from that one on. A filtered export has gaps and is told to be broken: keep whole ones.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from cloche.audit.chain import GENESIS, Entry, chained, data_text, is_hash, time_text
from cloche.audit.model import AuditEvent, Verified
from cloche.errors import InvalidError

MAX_LINE_CHARS: Final = 64 * 1024


def line_of(event: AuditEvent) -> str:
    """One event as a line, with its end."""
    record = event.record
    fields: dict[str, Any] = {
        "seq": event.seq,
        "at": time_text(event.at),
        "kind": record.kind,
        "actor": record.actor,
        "owner": record.owner,
        "session_id": record.session_id,
        "subject": record.subject,
        "outcome": record.outcome,
        "data": dict(record.data),
        "hash": event.hash,
    }
    return json.dumps(fields, separators=(",", ":")) + "\n"


@dataclass(slots=True)
class ExportWalk:
    """Follows the lines of an export."""

    hashes: dict[int, str] = field(default_factory=dict)
    """Of every row read, for comparing them with a database."""
    first_seq: int = 0
    _last: tuple[int, str] = (0, GENESIS)

    def follow(self, lines: Iterable[str]) -> Verified:
        """Raises: InvalidError for a line that is none of an export."""
        for number, line in enumerate(lines, start=1):
            if (broken := self._step(*_read(line, number))) is not None:
                return self._verdict(*broken)
        return self._verdict(None, "")

    def _step(self, entry: Entry, hash_: str) -> tuple[int, str] | None:
        seq, last_seq = entry.seq, self._last[0]
        if self.hashes and seq <= last_seq:
            return seq, "the row stands after a later one"
        if self.hashes and seq != last_seq + 1:
            return last_seq + 1, f"rows are missing up to {seq - 1}"
        # The row before the first is not in the file, except that before the first of all is none.
        if (self.hashes or seq == 1) and hash_ != chained(self._last[1], entry):
            return seq, "the row was changed, or stands where another one stood"
        self.first_seq = self.first_seq or seq
        self.hashes[seq] = hash_
        self._last = seq, hash_
        return None

    def _verdict(self, broken_at: int | None, reason: str) -> Verified:
        return Verified(
            rows=len(self.hashes),
            segments=0,
            first_seq=self.first_seq,
            last_seq=self._last[0],
            broken_at=broken_at,
            reason=reason,
        )


def _read(line: str, number: int) -> tuple[Entry, str]:
    try:
        if len(line) > MAX_LINE_CHARS:
            raise ValueError
        read = json.loads(line)
        texts = [str(read[name]) for name in Entry._fields[1:-1]]
        entry = Entry._make([int(read["seq"]), *texts, data_text(read["data"])])
        if not is_hash(hash_ := str(read["hash"])):
            raise ValueError
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise InvalidError(f"line {number} is not one of an exported journal") from None
    return entry, hash_
