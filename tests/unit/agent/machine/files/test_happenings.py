from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.files import happenings
from cloche.agent.machine.files.happenings import MAX_KEPT_BYTES, RESCAN, Happening, Kept, happening_of
from cloche.agent.watch.changes import fs_event, rescan_event


def translated(event: dict[str, Any], *, is_recursive: bool = True) -> Happening | None:
    return happening_of(event, is_recursive=is_recursive, hidden=b".cloche-")


@pytest.mark.parametrize(
    ("operation", "type_"), [("create", "CREATE"), ("modify", "WRITE"), ("delete", "DELETE"), ("rename", "RENAME")]
)
def test_an_event_is_told_by_its_type_and_path(operation: str, type_: str) -> None:
    event = fs_event(b"a/b", operation, is_dir=False, old_path=b"a/c" if operation == "rename" else None)
    happening = translated(event)
    assert happening is not None
    fields = {"type": type_, "name": "b", "path": "/workspace/d/a/b", "is_dir": False}
    if operation == "rename":
        fields["old_path"] = "/workspace/d/a/c"
    assert happening.described(b"/workspace/d") == fields


def test_what_happens_to_the_watched_directory_itself_is_told_by_its_own_name() -> None:
    happening = translated(fs_event(b"", "delete", is_dir=True))
    assert happening is not None
    assert happening.described(b"/workspace/d") == {
        "type": "DELETE", "name": "d", "path": "/workspace/d", "is_dir": True,
    }  # fmt: skip


def test_lost_events_become_a_rescan_of_the_watched_directory() -> None:
    happening = translated(rescan_event("overflow"), is_recursive=False)
    assert happening is not None
    assert happening.described(b"/workspace") == {
        "type": "RESCAN", "name": "workspace", "path": "/workspace", "is_dir": True,
    }  # fmt: skip


def test_a_name_that_is_not_utf_8_keeps_its_bytes() -> None:
    happening = translated(fs_event(b"\xff", "create", is_dir=False))
    assert happening is not None
    assert (happening.path, happening.described(b"/w")["name_b64"]) == (b"\xff", "/w==")


@pytest.mark.parametrize(
    ("old", "new", "is_recursive", "becomes"),
    [
        (b"a", b"b", False, ("RENAME", b"b")),
        (b"d/a", b"b", False, ("CREATE", b"b")),
        (b"a", b"d/b", False, ("DELETE", b"a")),
        (b"d/a", b"d/b", False, None),
        (b"d/a", b"d/b", True, ("RENAME", b"d/b")),
        (b".cloche-1", b"b", True, ("CREATE", b"b")),
        (b"a", b".cloche-1", True, ("DELETE", b"a")),
        (b".cloche-1", b"d/.cloche-2", True, None),
    ],
)
def test_a_rename_across_the_edge_of_what_is_told_is_half_of_one(
    old: bytes, new: bytes, is_recursive: bool, becomes: tuple[str, bytes] | None
) -> None:
    found = translated(fs_event(new, "rename", is_dir=False, old_path=old), is_recursive=is_recursive)
    assert (None if found is None else (found.type, found.path)) == becomes


@pytest.mark.parametrize(("path", "is_recursive", "is_told"), [
    (b"a", False, True), (b"d/a", False, False), (b"d/a", True, True), (b".cloche-1", True, False),
    (b"d/.cloche-1/a", True, False), (b"x.cloche-1", True, True),
])  # fmt: skip
def test_what_lies_deeper_or_is_unfinished_is_not_told(path: bytes, is_recursive: bool, is_told: bool) -> None:
    assert (translated(fs_event(path, "create", is_dir=False), is_recursive=is_recursive) is not None) is is_told


@given(
    sizes=st.lists(st.integers(0, 40), max_size=60),
    after=st.integers(0, 70),
    limit=st.integers(1, 20),
    kept=st.integers(1, 20),
    kept_bytes=st.integers(300, 3000),
)
def test_a_reader_gets_every_happening_in_order_or_is_told_that_some_are_missing(
    sizes: list[int], after: int, limit: int, kept: int, kept_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(happenings, "MAX_KEPT", kept)
        patch.setattr(happenings, "MAX_KEPT_BYTES", kept_bytes)
        ring, all_ = Kept(), []
        for number, size in enumerate(sizes):
            all_.append(Happening("WRITE", b"%d/" % number + b"n" * size))
            ring.add(all_[-1])
    found = ring.after(after, limit)
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    seen = after
    for number, happening in found:
        if happening.type == RESCAN:
            assert number > seen == after  # only in the beginning, and never where nothing is missing
        else:
            assert number == seen + 1
            assert happening == all_[number - 1]
        seen = number
    if len(found) < limit:
        assert seen == max(after, len(all_))


def test_what_is_kept_is_bounded_by_the_length_of_its_paths() -> None:
    kept = Kept()
    for number in range(4096):
        kept.add(Happening("RENAME", b"n" * 4000, False, b"%d" % number * 1000))
    found = kept.after(0, 10_000)
    assert found[0][1].type == RESCAN
    assert sum(len(happening.path) + len(happening.old_path or b"") for _, happening in found) <= MAX_KEPT_BYTES
    assert found[-1][0] == 4096
