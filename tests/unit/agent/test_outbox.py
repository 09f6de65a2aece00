from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.outbox import Outbox


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_only_periodic_lines_are_ever_dropped_and_order_is_kept(steps: list[tuple[bool, bool]]) -> None:
    outbox, put, taken = Outbox(limit=8), [], []
    for number, (is_periodic, takes) in enumerate(steps):
        line = b"%d%s\n" % (number, b"p" if is_periodic else b"k")
        put.append(line)
        outbox.put(line, is_periodic=is_periodic)
        if takes:
            taken += outbox.take(1).splitlines(keepends=True)
    taken += outbox.take(10_000).splitlines(keepends=True)
    assert [line for line in taken if b"k" in line] == [line for line in put if b"k" in line]
    assert taken == [line for line in put if line in set(taken)]
    assert len(put) - len(taken) == outbox.dropped


def test_the_oldest_periodic_line_makes_room() -> None:
    outbox = Outbox(limit=2)
    outbox.put(b"register\n")
    outbox.put(b"beat 1\n", is_periodic=True)
    outbox.put(b"beat 2\n", is_periodic=True)
    assert outbox.take(100) == b"register\nbeat 2\n"
    assert outbox.dropped == 1


def test_a_batch_is_at_least_one_line_and_otherwise_bounded() -> None:
    outbox = Outbox()
    for line in (b"a" * 50, b"b" * 5, b"c" * 5, b"d" * 5):
        outbox.put(line)
    assert [outbox.take(10) for _ in range(4)] == [b"a" * 50, b"b" * 5 + b"c" * 5, b"d" * 5, b""]


def test_room_for_replies_ends_at_half() -> None:
    outbox = Outbox(limit=4)
    outbox.put(b"1")
    assert outbox.has_room
    outbox.put(b"2")
    assert not outbox.has_room
    outbox.clear()
    assert outbox.has_room


def test_room_for_events_ends_at_a_quarter_so_that_a_flood_of_them_leaves_room_for_replies() -> None:
    outbox = Outbox(limit=8)
    while outbox.has_room_for_events:
        outbox.put(b"event\n")
    assert len(outbox) == 2
    assert outbox.has_room
    outbox.take(1)
    assert outbox.has_room_for_events


@given(st.lists(st.tuples(st.integers(1, 60_000), st.booleans(), st.booleans()), max_size=60))
def test_room_for_events_ends_also_with_their_size(steps: list[tuple[int, bool, bool]]) -> None:
    outbox, waiting = Outbox(limit=256), list[int]()
    for size, is_periodic, takes in steps:
        outbox.put(b"x" * size, is_periodic=is_periodic)
        waiting.append(size)
        if takes:
            outbox.take(1)
            waiting.pop(0)
        assert outbox.has_room_for_events == (len(waiting) < 64 and sum(waiting) < 256 * 1024)
    outbox.clear()
    assert outbox.has_room_for_events


def test_the_size_of_lines_that_gave_way_is_not_counted() -> None:
    outbox = Outbox(limit=8)
    for _ in range(20):
        outbox.put(b"x" * 30_000, is_periodic=True)
    while len(outbox):
        outbox.take(1)
    assert outbox.has_room_for_events
