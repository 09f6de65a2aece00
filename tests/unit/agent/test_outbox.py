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
