import hashlib
import hmac
import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from cloche.vault.sealed import (
    HEADER_BYTES,
    MAX_CHUNK_BYTES,
    TAG_BYTES,
    Opener,
    RangeOpener,
    Sealer,
    SealError,
    context_of,
    plain_size,
    sealed_size,
)

KEY = bytes(range(32))
CONTEXT = context_of("profile", "prf_1", "ann", 7)
SIZES = st.integers(1, 40)
CHUNKS = 16


def seal(data: bytes, *, pieces: int = 10_000, chunk_bytes: int = CHUNKS, context: bytes = CONTEXT) -> bytes:
    sealer = Sealer(KEY, context, chunk_bytes=chunk_bytes)
    parts = [sealer.seal(data[at : at + pieces]) for at in range(0, len(data), pieces)]
    return sealer.header + b"".join(parts) + sealer.finish()


def unseal(stream: bytes, *, pieces: int = 10_000, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    opener = Opener(key, context)
    parts = [opener.feed(stream[at : at + pieces]) for at in range(0, len(stream), pieces)]
    return b"".join(parts) + opener.finish()


@given(st.binary(max_size=200), SIZES, SIZES, SIZES)
def test_what_was_sealed_opens_however_it_is_cut(data: bytes, chunk: int, sealing: int, opening: int) -> None:
    stream = seal(data, pieces=sealing, chunk_bytes=chunk)
    assert unseal(stream, pieces=opening) == data
    assert len(stream) == sealed_size(len(data), chunk)
    assert plain_size(len(stream), chunk) == len(data)


@given(st.data())
@pytest.mark.promise("what-is-kept-is-sealed")
def test_a_flipped_bit_anywhere_is_found(data: st.DataObject) -> None:
    stream = bytearray(seal(b"x" * 70))
    at = data.draw(st.integers(0, len(stream) * 8 - 1))
    stream[at // 8] ^= 1 << at % 8
    with pytest.raises(SealError):
        unseal(bytes(stream))


@pytest.mark.parametrize("size", [0, 1, CHUNKS, CHUNKS + 1, 3 * CHUNKS])
def test_a_stream_cut_off_anywhere_is_found(size: int) -> None:
    stream = seal(b"y" * size)
    for length in range(len(stream)):
        with pytest.raises(SealError):
            unseal(stream[:length])


@pytest.mark.parametrize("more", [b"\0", b"z" * (CHUNKS + TAG_BYTES)])
def test_a_stream_with_more_behind_its_end_is_found(more: bytes) -> None:
    with pytest.raises(SealError):
        unseal(seal(b"y" * 40) + more)


def test_chunks_that_change_places_are_found() -> None:
    stream, size = seal(b"a" * CHUNKS + b"b" * CHUNKS + b"c"), CHUNKS + TAG_BYTES
    head, first, second, rest = (
        stream[:HEADER_BYTES],
        stream[HEADER_BYTES : HEADER_BYTES + size],
        stream[HEADER_BYTES + size : HEADER_BYTES + 2 * size],
        stream[HEADER_BYTES + 2 * size :],
    )
    for other in (head + second + first + rest, head + first + first + rest, head + first + rest):
        with pytest.raises(SealError):
            unseal(other)


def test_a_chunk_of_another_stream_is_found() -> None:
    one, other, size = seal(b"a" * 40), seal(b"b" * 40), HEADER_BYTES + CHUNKS + TAG_BYTES
    with pytest.raises(SealError):
        unseal(one[:size] + other[size:])


@pytest.mark.parametrize(
    "parts",
    [
        ("profile", "prf_2", "ann", 7),
        ("profile", "prf_1", "bob", 7),
        ("profile", "prf_1", "ann", 6),
        ("artifact", "prf_1", "ann", 7),
        ("profile", "prf_1ann", "", 7),
    ],
)
@pytest.mark.promise("what-is-kept-is-sealed")
def test_a_stream_of_something_else_does_not_open(parts: tuple[str | int, ...]) -> None:
    with pytest.raises(SealError):
        unseal(seal(b"state"), context=context_of(*parts))


def test_a_stream_does_not_open_under_another_key() -> None:
    with pytest.raises(SealError):
        unseal(seal(b"state"), key=bytes(32))


def test_two_streams_of_the_same_have_nothing_in_common() -> None:
    one, other = seal(b"same" * 10), seal(b"same" * 10)
    assert one[16:48] != other[16:48]
    assert not set(zip(*[iter(one[48:])] * 8, strict=False)) & set(zip(*[iter(other[48:])] * 8, strict=False))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"CLSEAL01",
        b"CLSEAL02" + struct.pack(">I", 16) + bytes(36),
        b"CLSEAL01" + struct.pack(">I", 0) + bytes(36),
        b"CLSEAL01" + struct.pack(">I", MAX_CHUNK_BYTES + 1) + bytes(36),
        b"CLSEAL01" + struct.pack(">I", 16) + b"\0\0\0\1" + bytes(32),
    ],
)
def test_what_is_no_stream_is_refused(header: bytes) -> None:
    with pytest.raises(SealError):
        unseal(header + bytes(32))


@given(st.binary(max_size=300), st.data())
def test_any_range_opens_by_its_chunks_alone(data: bytes, draw: st.DataObject) -> None:
    stream = seal(data)
    start = draw.draw(st.integers(0, len(data)))
    length = draw.draw(st.integers(0, len(data) - start))
    opener = RangeOpener(KEY, CONTEXT, stream[:HEADER_BYTES], len(stream))
    assert opener.plain_size == len(data)
    span = opener.span(start, length)
    sealed, size = stream[span.offset : span.offset + span.size], CHUNKS + TAG_BYTES
    assert len(sealed) == span.size
    plain = b"".join(opener.open_chunk(span.first + n, sealed[n * size :][:size]) for n in range(span.chunks))
    assert plain[span.skip : span.skip + length] == data[start : start + length]


def test_a_range_beyond_the_end_is_refused() -> None:
    stream = seal(b"abc")
    opener = RangeOpener(KEY, CONTEXT, stream[:HEADER_BYTES], len(stream))
    for start, length in ((0, 4), (4, 0), (-1, 1)):
        with pytest.raises(ValueError, match="beyond"):
            opener.span(start, length)


@pytest.mark.parametrize("size", [0, HEADER_BYTES, HEADER_BYTES + 15, sealed_size(CHUNKS, CHUNKS) + TAG_BYTES])
def test_no_stream_is_of_some_sizes(size: int) -> None:
    with pytest.raises(SealError):
        plain_size(size, CHUNKS)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, from nothing but HMAC."""
    secret = hmac.digest(salt, key, "sha256")
    block = out = b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(secret, block + info + bytes([number]), "sha256")
        out += block
    return out[:length]


@pytest.mark.parametrize("size", [0, 5, CHUNKS, 2 * CHUNKS + 3])
def test_another_program_reads_it_from_its_description(size: int) -> None:
    """Written from docs/reference/formats.md alone."""
    data = bytes(range(size))
    stream = seal(data)
    context = b"".join(struct.pack(">I", len(p)) + p for p in (b"profile", b"prf_1", b"ann", b"7"))
    magic, chunk = struct.unpack(">8sI", stream[:12])
    assert (magic, chunk) == (b"CLSEAL01", CHUNKS)
    derived = hkdf(KEY, stream[16:48], b"cloche/sealed/1\0" + hashlib.sha256(context).digest(), 39)
    body, plain, number = stream[48:], b"", 0
    while True:
        piece, body = body[: chunk + 16], body[chunk + 16 :]
        nonce = derived[32:] + struct.pack(">IB", number, not body)
        plain += AESGCM(derived[:32]).decrypt(nonce, piece, stream[:48])
        number += 1
        if not body:
            break
    assert plain == data
