import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.ids import new_key_id, new_session_id, parse_key_id, parse_session_id


def test_a_new_id_is_accepted_where_ids_come_in() -> None:
    session_id, key_id = new_session_id(), new_key_id()

    assert parse_session_id(session_id) == session_id
    assert parse_key_id(key_id) == key_id


def test_a_thousand_new_ids_are_all_different() -> None:
    assert len({new_session_id() for _ in range(1000)}) == 1000


def test_an_id_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidError):
        parse_session_id(new_key_id())
    with pytest.raises(InvalidError):
        parse_key_id(new_session_id())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ses_",
        "ses",
        "01J8ZQ4Y3M5N6P7R8S9T0V1W2X",
        "ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2",  # one short
        "ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2XX",  # one long
        "ses_81J8ZQ4Y3M5N6P7R8S9T0V1W2X",  # more than 128 bits
        "ses_01j8zq4y3m5n6p7r8s9t0v1w2x",  # lower case would be a second spelling of the same id
        "ses_01J8ZQ4Y3M5N6P7R8S9T0V1WIL",  # letters that Crockford left out
        "ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2X\n",
        " ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2X",
        "ses__1J8ZQ4Y3M5N6P7R8S9T0V1W2X",
        "ses_../../../etc/passwd.......",
        "ses_٠١J8ZQ4Y3M5N6P7R8S9T0V1W2X",  # digits, but not ASCII's
    ],
)
def test_what_is_no_session_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_session_id(text)

    assert caught.value.fields["field"] == "id"


@given(st.text())
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    for candidate in (text, f"ses_{text}"):
        try:
            parsed = parse_session_id(candidate)
        except InvalidError:
            continue
        assert parsed == candidate
        assert parsed.isascii()
        assert len(parsed) == 30
