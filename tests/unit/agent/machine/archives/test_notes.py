from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.archives.notes import Notes


@given(st.lists(st.binary(max_size=300), max_size=400))
def test_notes_are_never_longer_than_a_comment_may_be(paths: list[bytes]) -> None:
    notes = Notes()
    for path in paths:
        notes.skipped(path, "☃" * 20)
    assert len(notes.text()) <= 50 * 1024
    assert len(notes.lines(20)) == min(20, len(paths))
    assert bool(notes.text()) == bool(paths)
    assert all("\n" not in line for line in notes.lines(20))


def test_how_many_are_left_out_is_said() -> None:
    notes = Notes()
    for nth in range(2000):
        notes.skipped(b"%d" % nth, "x" * 100)
    first = notes.text().decode().split("\n")
    assert first[0].startswith("skipped: 0: x")
    assert first[-1] == f"and {2000 - len(first) + 1} more"
    assert notes.lines(20)[-1] == f"and {2000 - 19} more"
