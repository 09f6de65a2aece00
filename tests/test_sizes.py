"""A file past 400 lines is asking to be two."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 400


def test_no_source_file_is_past_four_hundred_lines() -> None:
    sizes = {
        path.relative_to(ROOT): path.read_text().count("\n")
        for folder in ("src", "bench")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert sizes, "no sources found: this test looks in the wrong place"
    assert not {str(path): size for path, size in sizes.items() if size > MOST_LINES}
