"""A file of a session as an answer: whole, in part, or only what is to be known of it."""

import math
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from cloche.api.downloads import Head, exactly, file_fields
from cloche.api.ranges import Span, Tail, etag_of, is_still
from cloche.api.rest.file_paths import last_name
from cloche.api.rest.transfers import note
from cloche.errors import AgentError, ConflictError, RangeError
from cloche.sessions.interface import MachineAnswer, MachineRequest, SessionMachine
from cloche.sessions.principal import Principal
from cloche.wire.machine import MODIFIED_FIELD, SIZE_FIELD

MAX_SIZE: Final = (1 << 63) - 1
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class _Facts:
    size: int
    etag: str

    @classmethod
    def of(cls, answer: MachineAnswer) -> "_Facts":
        """What an agent says of the file it opened. Raises: AgentError."""
        size, modified = answer.fields.get(SIZE_FIELD, ""), answer.fields.get(MODIFIED_FIELD, "")
        if not (size.isascii() and size.isdigit() and len(size) <= 19 and int(size) <= MAX_SIZE):
            raise AgentError("the agent's answer was not understood")
        if not _NUMBER.fullmatch(modified) or not math.isfinite(float(modified)):
            raise AgentError("the agent's answer was not understood")
        return cls(int(size), etag_of(int(size), float(modified)))

    def fields(self, path: bytes, length: int) -> dict[str, str]:
        own = {"content-length": str(length), "accept-ranges": "bytes", "etag": self.etag}
        return file_fields(last_name(path)) | own


async def head_of(machine: SessionMachine, path: bytes) -> AsyncGenerator[Head | bytes]:
    """Answer with the fields of the whole file (RFC 9110, section 9.3.2); a range is for GET alone."""
    facts = await _look_at(machine, path)
    yield Head(200, facts.fields(path, facts.size))


async def contents_of(
    machine: SessionMachine, caller: Principal, path: bytes, wanted: Span | Tail | None, if_range: str | None
) -> AsyncGenerator[Head | bytes]:
    """Answer with a file or a range of it. Raises: RangeError; ConflictError when it changes meanwhile."""
    expected: _Facts | None = None
    if isinstance(wanted, Tail) or (wanted is not None and if_range is not None):
        # What is wanted depends on what is there. The answer is checked against it, should it change in between.
        expected = await _look_at(machine, path)
        if not is_still(if_range, expected.etag):
            wanted = None
        elif isinstance(wanted, Tail):
            wanted = wanted.within(expected.size)
    async with machine.open(_request(path, wanted)) as answer:
        facts = _Facts.of(answer)
        if wanted is not None and expected is not None and facts != expected:
            raise ConflictError("the file is being changed", reason="file_changed")
        length = facts.size if wanted is None else wanted.bytes_of(facts.size)
        if wanted is not None and length == 0:
            raise RangeError(f"the file has {facts.size} bytes", size=facts.size)
        if answer.length != length:
            raise AgentError("the agent's answer was not understood")
        fields = facts.fields(path, length)
        if wanted is not None:
            fields["content-range"] = f"bytes {wanted.first}-{wanted.first + length - 1}/{facts.size}"
        yield Head(200 if wanted is None else 206, fields)
        sent = 0
        try:
            async with aclosing(exactly(answer.body, length)) as pieces:
                async for piece in pieces:
                    sent += len(piece)
                    yield piece
        finally:
            note(machine, caller, "download", sent)


async def _look_at(machine: SessionMachine, path: bytes) -> _Facts:
    async with machine.open(_request(path, None)) as answer:
        return _Facts.of(answer)


def _request(path: bytes, span: Span | None) -> MachineRequest:
    query: dict[str, str | bytes | int] = {"path": path}
    if span is not None:
        query["offset"] = span.first
        if span.last is not None:
            query["length"] = span.last - span.first + 1
    return MachineRequest(method="GET", path="/fs/read_file", query=query)
