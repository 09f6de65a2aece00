"""What somebody with the database, and without the server's secret, may try: all of it is found, and where."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloche.audit.chain import Entry, chained
from cloche.audit.journal import verify_with_file
from cloche.testing.audit import KEY, JournalWorld, journal_in, tamper, verified

ROWS, SEGMENT = 25, 10

COLUMNS = ("seq", "at", "kind", "actor", "owner", "session_id", "subject", "outcome", "data", "hash", "mac")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 25 rows in two sealed segments of ten and one that is open, closed in order."""
    directory = tmp_path_factory.mktemp("journal")

    async def write() -> None:
        async with journal_in(directory, segment_events=SEGMENT) as world:
            for number in range(ROWS):
                await world.wrote("action.click", session_id="ses_1", data={"number": number})

    asyncio.run(write())
    return directory


@pytest.fixture
def journal(original: Path, tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "copy"
    shutil.copytree(original, directory)
    yield directory
    shutil.rmtree(directory)


def check(directory: Path) -> tuple[int | None, str]:
    found = asyncio.run(verified(directory))
    return found.broken_at, found.reason


def test_an_untouched_journal_holds(journal: Path) -> None:
    found = asyncio.run(verified(journal))
    assert (found.rows, found.segments, found.first_seq, found.last_seq) == (ROWS, 2, 1, ROWS)
    assert found.broken_at is None and found.reason == ""


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.promise("a-changed-journal-is-found")
def test_a_change_of_any_column_is_found(journal: Path, column: str) -> None:
    new = {"seq": "1000", "hash": "replace(hash, substr(hash, 1, 1), 'g')"}.get(column, f"{column} || 'x'")
    tamper(journal, f"update audit_events set {column} = {new} where seq = 12")
    assert check(journal)[0] == 12


SWAP = (
    "update audit_events set seq = -1 where seq = 12",
    "update audit_events set seq = 12 where seq = 13",
    "update audit_events set seq = 13 where seq = -1",
)
COPY = "insert into audit_events select {seq}, at, kind, actor, owner, session_id, subject, outcome, data, hash, mac"


@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        pytest.param(("delete from audit_events where seq = 1",), 1, id="first row removed"),
        pytest.param(("delete from audit_events where seq = 12",), 12, id="a row in the middle removed"),
        pytest.param(("delete from audit_events where seq = 25",), 25, id="last row removed"),
        pytest.param(("delete from audit_events where seq > 20",), 21, id="all of the open segment removed"),
        pytest.param(("delete from audit_events",), 1, id="all rows removed"),
        pytest.param(("delete from audit_events", "delete from audit_segments"), 1, id="everything removed"),
        pytest.param(("update audit_events set kind = x'00' where seq = 12",), 12, id="bytes for a text"),
        pytest.param(("update audit_events set data = cast(x'ff' as text) where seq = 3",), 1, id="text that is none"),
        pytest.param(("update audit_segments set mac = x'00' where id = 2",), 11, id="bytes for a signature"),
        pytest.param(SWAP, 12, id="two rows swapped"),
        pytest.param((COPY.format(seq=26) + " from audit_events where seq = 25",), 26, id="a row put in at the end"),
        pytest.param((COPY.format(seq=0) + " from audit_events where seq = 1",), 0, id="a row put in at the front"),
        pytest.param(("update audit_segments set last_seq = 9 where id = 1",), 1, id="segment's end changed"),
        pytest.param(("update audit_segments set first_seq = 12 where id = 2",), 11, id="segment's begin changed"),
        pytest.param(("update audit_segments set dropped_at = 'x' where id = 1",), 1, id="segment passed off as gone"),
        pytest.param(("update audit_segments set mac = 'x' where id = 2",), 11, id="segment's signature changed"),
        pytest.param(("delete from audit_segments where id = 1",), 1, id="first segment removed"),
        pytest.param(("delete from audit_segments where id = 2",), 11, id="last segment removed"),
    ],
)
@pytest.mark.promise("a-changed-journal-is-found")
def test_rows_and_segments_that_were_removed_moved_or_put_in_are_found(
    journal: Path, statements: tuple[str, ...], broken_at: int
) -> None:
    tamper(journal, *statements)
    assert check(journal)[0] == broken_at


def rechain(directory: Path, *, since: int) -> None:
    """Change a row and make every later hash anew, as the format's page tells everybody how to."""
    names = ", ".join(Entry._fields)
    with closing(sqlite3.connect(directory / "cloche.db")) as connection:
        connection.execute("update audit_events set actor = 'nobody' where seq = ?", (since,))
        (hash_,) = connection.execute("select hash from audit_events where seq = ?", (since - 1,)).fetchone()
        for row in connection.execute(f"select {names} from audit_events where seq >= ? order by seq", (since,)):
            entry = Entry(*row)
            hash_ = chained(hash_, entry)
            connection.execute("update audit_events set hash = ? where seq = ?", (hash_, entry.seq))
        connection.commit()


def test_a_chain_made_anew_without_the_secret_is_found(journal: Path) -> None:
    rechain(journal, since=22)
    assert check(journal) == (22, "the row was not written by this server")


def test_a_chain_that_was_cut_and_grown_again_by_another_secret_is_found(journal: Path) -> None:
    tamper(journal, "delete from audit_events where seq > 22")
    (journal / "audit.tip").unlink()

    async def grow() -> None:
        async with journal_in(journal, segment_events=SEGMENT) as world:
            object.__setattr__(world.journal, "_key", b"another secret")
            await world.wrote("action.click")

    asyncio.run(grow())
    assert check(journal)[0] == 23


@pytest.mark.parametrize("name", ["seq", "hash", "segments"])
def test_a_tip_rolled_back_by_hand_is_found(journal: Path, name: str) -> None:
    tip = json.loads((journal / "audit.tip").read_text())
    tip |= {"seq": 20} if name == "seq" else {"segments": 0} if name == "segments" else {"hash": "0" * 64}
    (journal / "audit.tip").write_text(json.dumps(tip))
    assert check(journal) == (26, "the tip of the journal was changed, or signed with another secret")


def test_a_tip_that_is_gone_is_found(journal: Path) -> None:
    (journal / "audit.tip").unlink()
    assert check(journal) == (26, "the file with the tip of the journal is missing")


def test_an_older_tip_put_back_passes_but_rows_cut_off_with_it_are_known_to_the_daemon_at_work(tmp_path: Path) -> None:
    directory = tmp_path / "live"
    directory.mkdir()

    async def cut(world: JournalWorld) -> int | None:
        await world.wrote("a.a", "b.b")
        end = world.journal._end
        await asyncio.to_thread(tamper, directory, "delete from audit_events where seq = 2")
        return (await verify_with_file(world.database, KEY, directory / "audit.tip", at_least=end)).broken_at

    async def run() -> int | None:
        async with journal_in(directory) as world:
            return await cut(world)

    assert asyncio.run(run()) == 2


def test_another_secret_vouches_for_nothing(journal: Path) -> None:
    found = asyncio.run(verified(journal, key=b"x" * 32))
    assert (found.broken_at, found.rows) == (1, 0)


def test_what_was_cut_off_while_the_daemon_was_down_stays_found_when_it_goes_on(journal: Path) -> None:
    tamper(journal, "delete from audit_events where seq > 23")

    async def go_on() -> list[tuple[int, str]]:
        async with journal_in(journal, segment_events=SEGMENT) as world:
            await world.wrote("action.click")
            return [(row.entry.seq, row.entry.kind) for row in (await world.rows())[-2:]]

    assert asyncio.run(go_on()) == [(26, "audit.rows_missing"), (27, "action.click")]
    assert check(journal) == (24, "rows are missing up to 25")
