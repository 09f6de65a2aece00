import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.journal import KEPT_BYTES, MAX_LINE_BYTES, SOURCES, Journal
from cloche.agent.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop(lambda name, error: pytest.fail(f"{name}: {error!r}"))
    yield loop
    loop.run(loop.sleep(0))  # which closes it


@pytest.fixture
def journal(loop: Loop) -> Journal:
    return Journal(loop)


def test_lines_are_numbered_from_one_for_each_source_and_carry_their_time(journal: Journal) -> None:
    before = time.time()
    journal.add("agent", "first")
    journal.add("browser", "elsewhere")
    journal.add("agent", "second")
    lines = journal.after("agent", 0)
    assert [(line.number, line.text) for line in lines] == [(1, "first"), (2, "second")]
    assert before <= lines[0].at <= lines[1].at <= time.time()
    assert [line.text for line in journal.after("agent", 1)] == ["second"]
    assert journal.after("agent", 2) == journal.after("agent", 99) == journal.after("supervisor", 0) == []


def test_no_more_lines_are_returned_than_asked_for(journal: Journal) -> None:
    for number in range(1, 6):
        journal.add("agent", str(number))
    assert [line.number for line in journal.after("agent", 1, limit=2)] == [2, 3]


def test_the_tail_begins_that_many_lines_before_the_end(journal: Journal) -> None:
    assert journal.tail("agent", 5) == 0
    for number in range(1, 6):
        journal.add("agent", str(number))
    assert (journal.tail("agent", 0), journal.tail("agent", 2), journal.tail("agent", 99)) == (5, 3, 0)


def test_the_oldest_lines_give_way_and_the_tail_asks_for_none_of_them(journal: Journal) -> None:
    for _ in range(200):
        journal.add("agent", "x" * MAX_LINE_BYTES)
    lines = journal.after("agent", 0, limit=1000)
    assert KEPT_BYTES // 2 < sum(len(line.text) for line in lines) <= KEPT_BYTES
    assert lines[-1].number == 200
    assert journal.tail("agent", 1000) == lines[0].number - 1 > 0


def test_empty_lines_count_too(journal: Journal) -> None:
    for _ in range(10_000):
        journal.add("agent", "")
    assert len(journal.after("agent", 0, limit=100_000)) * 100 < KEPT_BYTES


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f600"])
def test_a_line_is_cut_at_its_limit_and_never_within_a_character(journal: Journal, filler: str) -> None:
    journal.add("agent", filler * 9000)
    (line,) = journal.after("agent", 0)
    assert line.text == filler * (MAX_LINE_BYTES // len(filler.encode()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_what_is_kept_is_one_line_of_printable_characters(journal: Journal, text: str) -> None:
    journal.add("browser", text)
    (line,) = journal.after("browser", journal.tail("browser", 1))
    assert line.text.isprintable()
    assert len(line.text.encode()) <= MAX_LINE_BYTES
    if text.isprintable():
        assert line.text == text


def test_half_of_a_surrogate_pair_is_replaced(journal: Journal) -> None:
    journal.add("browser", "a\udc80b\tc\nd")
    assert journal.after("browser", 0)[0].text == "a\ufffdb c d"


def test_every_line_wakes_those_who_wait_for_its_source() -> None:
    loop, woken = Loop(lambda name, error: pytest.fail(f"{name}: {error!r}")), []
    journal = Journal(loop)

    async def wait(source: str) -> None:
        await journal.changed(source).next(time.monotonic() + 5)
        woken.append(source)

    async def main() -> None:
        waiting = [loop.spawn(wait(source), source) for source in SOURCES]
        await loop.sleep(0)
        journal.add("browser", "hello")
        await waiting[SOURCES.index("browser")].done.wait(time.monotonic() + 5)
        await loop.stop(*waiting)

    loop.run(main())
    assert woken == ["browser"]
