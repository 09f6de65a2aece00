"""A request's body as the records that the agent takes (`cloche.wire.upload`), while it comes."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from cloche.api.upload.forms import MAX_TEXT_BYTES, Form
from cloche.api.upload.multipart import Begin, Data, MultipartReader
from cloche.api.zstd.codec import Decompressor
from cloche.errors import InvalidError
from cloche.sessions.machine_bodies import archive_records
from cloche.wire.upload import encode_begin, encode_data, encode_finish


async def form_records(
    pieces: AsyncIterator[bytes], content_type: str, form: Form, decompressor: Decompressor | None = None
) -> AsyncGenerator[bytes]:
    """Pass on the files of a form, unpacked where there is a `decompressor`. Raises: InvalidError."""
    reader = MultipartReader(content_type)
    name, part, text = "", None, bytearray()
    async for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, Begin):
                name, part = event.name, form.begin(event.name)
                if part is not None:
                    yield encode_begin(part)
            elif isinstance(event, Data) and part is None:
                text += event.data
                if len(text) > MAX_TEXT_BYTES:
                    raise InvalidError(f"has at most {MAX_TEXT_BYTES} bytes", field=name)
            elif isinstance(event, Data):
                async with aclosing(_data(event.data, decompressor)) as records:
                    async for record in records:
                        yield record
            elif part is None:
                form.text(name, bytes(text))
                text.clear()
            elif decompressor is not None:
                decompressor.finish()
    reader.finish()
    yield encode_finish(form.finish())


async def raw_records(
    pieces: AsyncIterator[bytes], fields: dict[str, Any], decompressor: Decompressor | None = None
) -> AsyncGenerator[bytes]:
    """Pass on a body that is itself the archive, and say at the end what is to be done with it."""
    async with aclosing(_plain(pieces, decompressor)) as plain, aclosing(archive_records(plain, fields)) as records:
        async for record in records:
            yield record


async def _plain(pieces: AsyncIterator[bytes], decompressor: Decompressor | None) -> AsyncGenerator[bytes]:
    async for piece in pieces:
        if decompressor is None:
            yield piece
            continue
        async with aclosing(decompressor.feed(piece)) as plain:
            async for data in plain:
                yield data
    if decompressor is not None:
        decompressor.finish()


async def _data(data: bytes, decompressor: Decompressor | None) -> AsyncGenerator[bytes]:
    if decompressor is None:
        yield encode_data(data)
        return
    async with aclosing(decompressor.feed(data)) as plain:
        async for piece in plain:
            yield encode_data(piece)
