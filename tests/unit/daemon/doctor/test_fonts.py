"""A machine without fonts draws boxes."""

from pathlib import Path

from cloche.daemon.doctor import fonts


def test_no_fonts_is_a_warning(tmp_path: Path) -> None:
    assert fonts.judge([tmp_path]).ok is None
    (tmp_path / "a.ttf").touch()
    assert fonts.judge([tmp_path]).ok is True
