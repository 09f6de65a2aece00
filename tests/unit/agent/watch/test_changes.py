import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.watch.changes import (
    ARRIVED,
    CREATED,
    LEFT,
    LEFT_WRITTEN,
    MAX_PATH_BYTES,
    REMOVED,
    WRITTEN,
    Hint,
    Hints,
    Origins,
    Timing,
    Verdict,
    fs_event,
    judge,
    rescan_event,
)
from cloche.agent.watch.tree import Directory, Status, Tree, stamp
from cloche.wire.ndjson import MAX_LINE_BYTES, LineDecoder, encode

FOLDER = Status(1, 10, 0o040000, 5, 4096)
FILE = Status(1, 11, 0o100000, 5, 3)
ROOT = Directory(None, b"", FOLDER)
NAMES = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])
FLAGS = st.sampled_from([0, CREATED, REMOVED, WRITTEN, REMOVED | LEFT, CREATED | ARRIVED])


@given(st.lists(st.tuples(NAMES, FLAGS), max_size=40))
def test_hints_are_one_for_each_entry_with_all_that_was_said_of_it(said: list[tuple[bytes, int]]) -> None:
    hints, wanted = Hints(limit=5), dict[bytes, int]()
    for name, flags in said:
        hints.add(Hint(ROOT, name, flags))
        wanted[name] = wanted.get(name, 0) | flags
    assert bool(hints) == bool(said)
    reasons, taken = hints.take()
    assert not reasons
    assert {hint.name: hint.flags & ~LEFT_WRITTEN for hint in taken} == wanted
    assert not hints
    arrived = [name for name, flags in said if flags & ARRIVED]
    last = {name: at for at, name in enumerate(arrived)}
    assert [h.name for h in taken if h.flags & ARRIVED] == sorted(last, key=lambda name: last[name])


def test_what_was_written_and_then_renamed_away_is_told_from_what_was_written_in_its_place() -> None:
    hints = Hints()
    for name, flags in ((b"a", WRITTEN), (b"a", REMOVED | LEFT), (b"b", REMOVED | LEFT), (b"b", CREATED | WRITTEN)):
        hints.add(Hint(ROOT, name, flags))
    assert [bool(hint.flags & LEFT_WRITTEN) for hint in hints.take()[1]] == [True, False]


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(1, 10))
def test_more_hints_than_the_limit_become_one_rescan_and_never_fewer_hints(said: list[int], limit: int) -> None:
    hints = Hints(limit)
    for number in said:
        hints.add(Hint(ROOT, b"%d" % number))
    reasons, taken = hints.take()
    names = set(said)
    if len(names) > limit:
        assert (reasons, taken) == (["backlog"], [])
    else:
        assert (reasons, {int(hint.name) for hint in taken}) == ([], names)


def test_while_a_rescan_is_due_hints_are_not_kept_and_after_it_they_are() -> None:
    hints = Hints()
    hints.add(Hint(ROOT, b"before"))
    hints.ask_rescan("overflow")
    hints.ask_rescan("overflow")
    hints.add(Hint(ROOT, b"after"))
    assert hints.is_crowded
    assert hints.take() == (["overflow"], [])
    hints.add(Hint(ROOT, b"new"))
    assert hints.take() == ([], [Hint(ROOT, b"new")])


def test_half_of_the_limit_is_a_crowd() -> None:
    hints = Hints(limit=4)
    hints.add(Hint(ROOT, b"1"))
    assert not hints.is_crowded
    hints.add(Hint(ROOT, b"2"))
    assert hints.is_crowded


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_hints_are_settled_when_it_is_quiet_and_never_much_later_than_the_first(first: float, wait: float) -> None:
    timing = Timing(quiet_s=0.05, longest_s=0.5)
    settle_at = timing.settle_at(first, first + wait)
    assert settle_at <= first + 0.5
    assert settle_at in (first + 0.5, first + wait + 0.05)


@pytest.mark.parametrize(
    ("known", "found", "flags", "verdict"),
    [
        (None, None, 0, Verdict.NOTHING),
        (None, None, CREATED | WRITTEN | REMOVED, Verdict.NOTHING),
        (None, FILE, WRITTEN, Verdict.CREATE),
        (None, FOLDER, 0, Verdict.CREATE),
        (stamp(FILE), None, 0, Verdict.DELETE),
        (ROOT, None, 0, Verdict.DELETE),
        (stamp(FILE), FILE, 0, Verdict.NOTHING),
        (stamp(FILE), FILE, CREATED, Verdict.NOTHING),
        (stamp(FILE), FILE, WRITTEN, Verdict.MODIFY),
        (stamp(FILE), FILE, REMOVED | CREATED, Verdict.MODIFY),
        (stamp(FILE), FILE._replace(mtime_ns=6), 0, Verdict.MODIFY),
        (stamp(FILE), FILE._replace(size=4), 0, Verdict.MODIFY),
        (stamp(FILE), FILE._replace(inode=12), 0, Verdict.MODIFY),
        (stamp(FILE), FILE._replace(kind=0o120000), 0, Verdict.MODIFY),
        (stamp(FILE), FOLDER, 0, Verdict.REPLACE),
        (ROOT, FILE, 0, Verdict.REPLACE),
        (ROOT, FOLDER, WRITTEN, Verdict.STAYS),
        (ROOT, FOLDER._replace(mtime_ns=99), 0, Verdict.STAYS),
        (ROOT, FOLDER._replace(inode=99), 0, Verdict.REPLACE),
        (ROOT, FOLDER._replace(device=99), 0, Verdict.REPLACE),
    ],
)
def test_what_is_there_is_compared_with_what_is_known(known, found, flags, verdict) -> None:
    assert judge(known, found, flags) is verdict


def moved_away() -> tuple[Tree, Directory]:
    tree = Tree()
    root = tree.plant(FOLDER)
    tree.put_file(root, b"file", FILE)
    tree.add_directory(root, b"directory", FOLDER._replace(inode=20))
    return tree, root


def test_a_file_is_known_again_when_the_kernel_says_it_arrived_or_all_of_it_is_the_same() -> None:
    _, root = moved_away()
    hint = Hint(root, b"file", REMOVED | LEFT)
    origins = Origins([hint])
    assert origins.find(FILE, 0) == hint
    assert origins.find(FILE._replace(size=9), ARRIVED) == hint
    assert origins.find(FILE._replace(size=9), CREATED) is None
    assert origins.find(FILE._replace(inode=12), ARRIVED) is None
    assert origins.find(FILE._replace(kind=0o040000), ARRIVED) is None


def test_what_was_not_renamed_away_is_nobodys_origin() -> None:
    tree, root = moved_away()
    assert Origins([Hint(root, b"file", REMOVED)]).find(FILE, ARRIVED) is None
    origins = Origins([Hint(root, b"file", REMOVED | LEFT), Hint(root, b"nothing", LEFT)])
    tree.remove(root, b"file")
    assert origins.find(FILE, ARRIVED) is None
    tree.put_file(root, b"file", FILE._replace(inode=12))
    assert origins.find(FILE, ARRIVED) is None


def test_a_directory_is_known_again_only_when_nothing_in_it_came_or_went() -> None:
    tree, root = moved_away()
    hint = Hint(root, b"directory", REMOVED | LEFT)
    origins = Origins([hint])
    assert origins.find(FOLDER._replace(inode=20), 0) == hint
    assert origins.find(FOLDER._replace(inode=20, mtime_ns=6), 0) is None
    tree.remove(root, b"directory")
    assert origins.find(FOLDER._replace(inode=20), 0) is None


@given(st.binary(min_size=1, max_size=60), st.none() | st.binary(min_size=1, max_size=60))
def test_any_name_makes_a_valid_line_and_comes_back_the_same(path: bytes, old_path: bytes | None) -> None:
    line = encode({"payload": fs_event(path, "rename", is_dir=False, old_path=old_path)})
    assert line.count(b"\n") == 1
    (value,) = LineDecoder().feed(line)
    payload = value["payload"]  # type: ignore[index]
    assert payload["path"].encode("utf-8", "surrogateescape") == path
    assert ("old_path" in payload) == (old_path is not None)
    if old_path is not None:
        assert payload["old_path"].encode("utf-8", "surrogateescape") == old_path


@pytest.mark.parametrize("byte", [b"\x01", b"\xff", "𝄞".encode()[:1]], ids=["control", "not UTF-8", "cut"])
def test_the_longest_paths_fit_into_a_line(byte: bytes) -> None:
    event = fs_event(byte * MAX_PATH_BYTES, "rename", is_dir=True, old_path=byte * MAX_PATH_BYTES)
    assert len(encode({"session_id": "s" * 512, "type": "fs_event", "payload": event})) < MAX_LINE_BYTES


def test_events_have_the_documented_keys_and_ours_only_where_they_say_something() -> None:
    assert fs_event(b"a/b", "delete", is_dir=True) == {"path": "a/b", "operation": "delete", "is_dir": True}
    assert fs_event(b"", "create", is_dir=True)["path"] == "."
    assert rescan_event("overflow") == {
        "path": ".",
        "operation": "modify",
        "is_dir": True,
        "rescan": True,
        "reason": "overflow",
    }
