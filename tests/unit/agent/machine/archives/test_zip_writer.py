import zlib

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.archives.zip_writer import stored_blocks


@given(st.lists(st.integers(0, 140_000), max_size=4))
def test_stored_blocks_inflate_to_what_they_hold(sizes: list[int]) -> None:
    data = [bytes(range(256)) * (size // 256) for size in sizes]
    stream = b"".join(map(stored_blocks, data)) + b"\x01\x00\x00\xff\xff"
    unpacker = zlib.decompressobj(-15)
    assert unpacker.decompress(stream) == b"".join(data)
    assert unpacker.eof
