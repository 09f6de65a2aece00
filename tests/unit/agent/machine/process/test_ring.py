from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.process import ring as rings
from cloche.agent.machine.process.ring import CHUNK_BYTES, Ring, Store, Stream

PRINTS = st.lists(st.tuples(st.sampled_from(Stream), st.binary(max_size=300)), max_size=40)
LARGE = 1 << 40


def filled(capacity: int, prints: list[tuple[Stream, bytes]], store: Store | None = None) -> Ring:
    ring = Ring(capacity, store or Store(LARGE))
    for stream, data in prints:
        ring.add(stream, data)
    return ring


def tagged(prints: list[tuple[Stream, bytes]]) -> list[tuple[Stream, int]]:
    """Every byte that was ever printed, with the output it went to: an offset is an index of it."""
    return [(stream, byte) for stream, data in prints for byte in data]


def read_all(ring: Ring, offset: int, limit: int) -> list[tuple[Stream, int]]:
    found: list[tuple[Stream, int]] = []
    while (piece := ring.read(offset, limit)) is not None:
        assert 0 < len(piece.data) <= limit
        assert piece.end == offset + len(piece.data)
        offset = piece.end
        found += [(piece.stream, byte) for byte in piece.data]
    return found


@given(PRINTS, st.integers(1, 2000), st.integers(1, 100), st.data())
def test_the_last_bytes_of_both_outputs_are_read_from_any_offset_in_their_order(
    prints: list[tuple[Stream, bytes]], capacity: int, limit: int, data: st.DataObject
) -> None:
    ring, everything = filled(capacity, prints), tagged(prints)
    assert (ring.start, ring.end) == (max(0, len(everything) - capacity), len(everything))
    offset = data.draw(st.integers(ring.start, ring.end))
    assert read_all(ring, offset, limit) == everything[offset:]


def kept(ring: Ring, stream: Stream) -> bytes:
    found, offset = b"", ring.start
    while (piece := ring.read(offset, 1 << 20)) is not None:
        offset = piece.end
        found += piece.data if piece.stream is stream else b""
    return found


@given(PRINTS, st.integers(0, 2000))
def test_what_is_lost_and_what_is_kept_of_an_output_make_all_of_it(
    prints: list[tuple[Stream, bytes]], capacity: int
) -> None:
    ring = filled(capacity, prints)
    for stream in Stream:
        printed = b"".join(data for wanted, data in prints if wanted == stream)
        assert kept(ring, stream) == printed[ring.lost[stream] :]
    assert sum(ring.lost) == ring.start


def test_output_of_many_chunks_is_kept_to_the_byte_and_memory_stays_in_bounds() -> None:
    ring, capacity = Ring(3 * CHUNK_BYTES + 5, Store(LARGE)), 3 * CHUNK_BYTES + 5
    printed = bytes(range(256)) * 4096
    for at in range(0, len(printed), 50_000):
        ring.add(Stream.STDOUT, printed[at : at + 50_000])
        assert ring.held_bytes <= capacity + 2 * CHUNK_BYTES
    assert kept(ring, Stream.STDOUT) == printed[-capacity:]


def test_single_bytes_to_both_outputs_in_turn_do_not_take_many_times_what_they_are() -> None:
    capacity = 256 * 1024
    ring = Ring(capacity, Store(LARGE))
    for _ in range(50_000):
        ring.add(Stream.STDOUT, b"o")
        ring.add(Stream.STDERR, b"e")
    assert ring.end - ring.start == capacity // 16
    assert ring.held_bytes <= 2 * capacity
    assert ring.read(ring.start, 100) == rings.Piece(Stream.STDOUT, ring.start + 1, b"o")
    assert ring.lost == [50_000 - capacity // 32] * 2


def test_when_the_store_is_full_the_ring_that_holds_the_most_gives_up_its_oldest() -> None:
    store = Store(10 * CHUNK_BYTES)
    large, small = Ring(LARGE, store), Ring(LARGE, store)
    large.add(Stream.STDOUT, b"l" * 9 * CHUNK_BYTES)
    small.add(Stream.STDERR, b"s" * 2 * CHUNK_BYTES)
    assert (large.start, small.start) == (2 * CHUNK_BYTES, 0)
    assert store.held_bytes <= 10 * CHUNK_BYTES
    large.add(Stream.STDOUT, b"l" * 20 * CHUNK_BYTES)
    assert small.start == 0
    assert store.held_bytes <= 10 * CHUNK_BYTES


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3 * CHUNK_BYTES)), max_size=20))
def test_all_rings_together_stay_within_the_store_and_each_keeps_its_last(adds: list[tuple[int, int]]) -> None:
    store = Store(6 * CHUNK_BYTES)
    together = [Ring(4 * CHUNK_BYTES, store) for _ in range(4)]
    for index, length in adds:
        together[index].add(Stream.STDOUT, bytes(length))
        assert store.held_bytes == sum(ring.held_bytes for ring in together) <= 6 * CHUNK_BYTES
        assert together[index].start < together[index].end


def test_a_closed_ring_holds_nothing_and_still_counts() -> None:
    store = Store(LARGE)
    ring = filled(1000, [(Stream.STDOUT, b"abc"), (Stream.STDERR, b"de")], store)
    ring.close()
    ring.add(Stream.STDERR, b"f")
    assert (ring.start, ring.end, ring.lost, ring.held_bytes) == (6, 6, [3, 3], 0)
    assert ring.read(6, 10) is None
    assert store.held_bytes == 0
