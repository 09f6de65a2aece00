import pytest

from cloche.sessions.live.cursors import cursor_of


def test_words_of_css_pass() -> None:
    assert [cursor_of(word) for word in ("pointer", "nwse-resize", "none")] == ["pointer", "nwse-resize", "none"]


@pytest.mark.parametrize("word", ["", "auto", "url(https://evil.test/)", "Pointer", "pointer; color: red", "x" * 64])
def test_whatever_else_a_page_says_is_the_default(word: str) -> None:
    assert cursor_of(word) == "default"
