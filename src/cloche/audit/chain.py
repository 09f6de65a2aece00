"""The mathematics of the journal: a row's bytes, how rows are chained, and what only the server can sign. Pure.

    canonical(entry) = JSON of ["cloche/audit/1", seq, at, kind, actor, owner, session_id, subject, outcome, data]
    hash(n)          = SHA-256(hash(n-1) || canonical(n)),  hash(0) = 32 zero bytes
    mac(n)           = HMAC-SHA256(key, "cloche/audit/row/1" || hash(n))

The hash lets anyone who holds an export follow the chain; the MAC keeps who can write the database, and has not the
server's secret, from making another chain that holds. `docs/reference/audit-format.md` says it for other programs.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

GENESIS: Final = "0" * 64
"""What the first row is chained to."""

_ENTRY: Final = "cloche/audit/1"
_ROW: Final = b"cloche/audit/row/1"
_SEGMENT: Final = "cloche/audit/segment/1"
_TIP: Final = "cloche/audit/tip/1"

# Made once: `json.dumps` with options makes an encoder for every call. ASCII, so that no two writers disagree about
# which characters to escape.
_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, sort_keys=True, allow_nan=False).encode


class Entry(NamedTuple):
    """What is hashed of a row, in this order. `at` and `data` are the very texts that are stored."""

    seq: int
    at: str
    kind: str
    actor: str
    owner: str
    session_id: str
    subject: str
    outcome: str
    data: str


class SegmentFacts(NamedTuple):
    """What is signed of a segment. `prev_hash` is the hash before its first row; times as text, "" for never."""

    id: int
    first_seq: int
    last_seq: int
    prev_hash: str
    last_hash: str
    sealed_at: str
    dropped_at: str


class Tip(NamedTuple):
    """The end of the chain, and how many segments are sealed."""

    seq: int
    hash: str
    segments: int


def time_text(at: datetime) -> str:
    """How the journal writes a time, which is aware and in UTC: always as long, so that texts sort as times do."""
    return at.isoformat(timespec="microseconds")


def data_text(data: object) -> str:
    """The one text that stands for an event's data."""
    return _encode(data)


def canonical(entry: Entry) -> bytes:
    return _encode([_ENTRY, *entry]).encode()


def chained(prev_hash: str, entry: Entry) -> str:
    """The hash of a row after the one whose hash is `prev_hash`."""
    return hashlib.sha256(bytes.fromhex(prev_hash) + canonical(entry)).hexdigest()


def row_mac(key: bytes, hash_: str) -> str:
    return hmac.digest(key, _ROW + bytes.fromhex(hash_), "sha256").hex()


def segment_mac(key: bytes, segment: SegmentFacts) -> str:
    return _mac(key, _SEGMENT, segment)


def tip_mac(key: bytes, tip: Tip) -> str:
    return _mac(key, _TIP, tip)


def is_hash(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)


def same(one: str, other: str) -> bool:
    """Compare MACs, which are ASCII when nobody has meddled with them, without telling by time where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _mac(key: bytes, purpose: str, facts: Iterable[str | int]) -> str:
    return hmac.digest(key, _encode([purpose, *facts]).encode(), "sha256").hex()
