"""The body of an upload, record by record, and what stands in its last one."""

import os
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from cloche.agent.machine.archives.limits import MAX_DEPTH, MAX_ENTRIES, MAX_TOTAL_BYTES, too_large
from cloche.agent.machine.beneath import Place, Places
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem, invalid
from cloche.agent.machine.turns import Turns
from cloche.wire.machine import MAX_PATH_BYTES
from cloche.wire.upload import MAX_PARTS, Kind, RecordReader, UploadError

_MAX_BODY_BYTES: Final = MAX_TOTAL_BYTES + MAX_ENTRIES * 4096
"""Every entry comes with headers, and every piece with one of ours."""
_RECORD_COST: Final = 512
_OCTAL: Final = re.compile(r"0?[0-7]{3}\Z")


class Target(NamedTuple):
    """Where an archive is to go, and how."""

    place: Place
    strip: int
    replaces: bool


class File(NamedTuple):
    part: int
    place: Place
    mode: int


async def receive(
    exchange: Exchange, turns: Turns, begin: Callable[[int], None], take: Callable[[bytes], Awaitable[None]]
) -> dict[str, Any]:
    """Pass each part's number to `begin` and its bytes to `take`; return the last record.

    Raises: Problem 400 `bad_upload`, also if there is no last record; what `Exchange.read` and the two raise.
    """
    reader = RecordReader()
    fields: dict[str, Any] | None = None
    received = 0
    while piece := await exchange.read():
        received += len(piece)
        if received > _MAX_BODY_BYTES:
            raise too_large()
        reader.feed(piece)
        try:
            while (record := reader.next_record()) is not None:
                if record.kind is Kind.DATA:
                    await take(record.data)
                elif record.kind is Kind.BEGIN:
                    begin(record.part)
                else:
                    fields = record.fields
                if turns.due(_RECORD_COST):
                    await turns.give()
        except UploadError as error:
            raise _bad_upload(str(error)) from None
    if fields is None:
        raise _bad_upload("the upload was broken off")
    return fields


class OnePart:
    """`begin` for uploads that have but one part."""

    def __init__(self) -> None:
        self._has_begun = False

    def __call__(self, part: int) -> None:
        if self._has_begun:
            raise _bad_upload("an archive is one part")
        self._has_begun = True


def target_of(last: dict[str, Any], places: Places) -> Target:
    """Raises: Problem 400."""
    fields = Fields(last)
    place = places.locate(fields.data("dest_b64", max_bytes=MAX_PATH_BYTES))
    return Target(place, fields.whole("strip_components", 0, low=0, high=MAX_DEPTH), fields.flag("replace"))


def files_of(last: dict[str, Any], places: Places, parts: set[int]) -> list[File]:
    """Every part that came must be asked for, and only once. Raises: Problem 400."""
    items = last.get("files")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid("must be a list of objects", "files")
    files = [_file(Fields(item), places) for item in items[: MAX_PARTS + 1]]
    if sorted(file.part for file in files) != sorted(parts):
        raise invalid("must name every part, and each of them once", "files")
    return files


def _file(fields: Fields, places: Places) -> File:
    place = places.locate(fields.data("dest_b64", max_bytes=MAX_PATH_BYTES))
    return File(fields.whole("part", low=0, high=(1 << 32) - 1), place, _mode(fields))


def _mode(fields: Fields) -> int:
    """A number, or octal digits as in `chmod 0644`."""
    if not fields.has("mode"):
        return 0o644
    try:
        return fields.whole("mode", low=0, high=0o777)
    except Problem:
        text = fields.text("mode", max_chars=4)
    if not _OCTAL.match(text):
        raise invalid("must be octal digits", "mode")
    return int(text, 8)


def _bad_upload(message: str) -> Problem:
    return Problem(400, "bad_upload", message)


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
