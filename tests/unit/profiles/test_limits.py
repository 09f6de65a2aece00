import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.profiles.limits import checked_name, checked_passphrase, checked_theme_color


@pytest.mark.parametrize("name", ["a", "Einkäufe für zu Hause", "仕事", "x" * 96, "it's (mine)"])
def test_names_are_text(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "x" * 97, "ä" * 49, "a\nb", "a\0", "a\u202eb", "\ud800", "a\x7f"])
def test_a_name_that_is_empty_too_long_or_holds_what_cannot_be_printed_is_refused(name: str) -> None:
    with pytest.raises(InvalidError):
        checked_name(name)


@given(st.text())
def test_what_is_taken_as_a_name_fits_its_column(name: str) -> None:
    try:
        checked_name(name)
    except InvalidError:
        return
    assert 1 <= len(name.encode()) <= 96


def test_theme_colours_and_passphrases_have_their_form() -> None:
    assert checked_theme_color("") == "" and checked_theme_color("#ff8800") == "#ff8800"
    for theme_color in ("red;", "x" * 25, "#ff\n"):
        with pytest.raises(InvalidError):
            checked_theme_color(theme_color)
    assert checked_passphrase("x" * 12) and checked_passphrase("x" * 1024)
    for passphrase in ("x" * 11, "x" * 1025):
        with pytest.raises(InvalidError) as caught:
            checked_passphrase(passphrase)
        assert passphrase not in caught.value.detail
