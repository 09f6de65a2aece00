import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloche.errors import AgentError
from cloche.sessions.interface import MachineAnswer, MachineRequest
from cloche.sessions.machine_bodies import archive_fields, archive_records, send_body
from cloche.wire.machine import MAX_JSON_BYTES
from cloche.wire.upload import MAX_DATA_BYTES, Kind, RecordReader

REQUEST = MachineRequest(method="POST", path="/fs/upload_tar")


async def pieces_of(*pieces: bytes) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


class Machine:
    def __init__(self, answer: bytes) -> None:
        self.answer, self.received = answer, b""

    @asynccontextmanager
    async def open(self, request: MachineRequest, body: AsyncIterator[bytes], **_: float) -> AsyncIterator[Any]:
        self.received = b"".join([piece async for piece in body])
        yield MachineAnswer(201, None, {}, pieces_of(self.answer))


async def test_an_archive_goes_out_as_one_part_and_says_at_the_end_where_to() -> None:
    large = bytes(MAX_DATA_BYTES + 1)
    fields = archive_fields(b"/profile", strip_components=1, replace=True)
    reader, received = RecordReader(), b""
    last: dict[str, Any] = {}
    async for record in archive_records(pieces_of(b"a", large), fields):
        reader.feed(record)
        while (found := reader.next_record()) is not None:
            received += found.data if found.kind is Kind.DATA else b""
            last = found.fields or last
    assert received == b"a" + large
    assert reader.is_finished
    assert (base64.b64decode(last["dest_b64"]), last["strip_components"], last["replace"]) == (b"/profile", 1, True)


async def test_a_body_is_sent_and_its_answer_read() -> None:
    machine: Any = Machine(json.dumps({"files": 3}).encode())
    assert await send_body(machine, REQUEST, pieces_of(b"one", b"two")) == {"files": 3}
    assert machine.received == b"onetwo"


async def test_an_answer_that_does_not_end_is_not_read_to_its_end() -> None:
    machine: Any = Machine(bytes(MAX_JSON_BYTES + 1))
    with pytest.raises(AgentError):
        await send_body(machine, REQUEST, pieces_of())
