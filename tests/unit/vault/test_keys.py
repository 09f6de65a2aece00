import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.vault.keys import Keyring, StateKey, UnknownKeyError, WrongKeyError, key_id_of

TEXT = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()
RING = Keyring(StateKey.parse(TEXT))
DATA_KEY = b"d" * 32


def test_a_state_key_is_base64_of_32_bytes() -> None:
    assert StateKey.parse(TEXT).id == StateKey.parse(f" {TEXT}\n").id
    assert len(StateKey.parse(TEXT).id) == 16
    assert StateKey.parse(TEXT).id != StateKey.parse(OTHER).id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        base64.b64encode(b"k" * 31).decode(),
        base64.b64encode(b"k" * 33).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        TEXT[:-1],
        f"{TEXT[:10]} {TEXT[10:]}",
        "k" * 32,
        (b"k" * 32).hex(),
        "ключ",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        StateKey.parse(text)
    assert refused.value.fields == {"field": "CLOCHE_STATE_KEY"}
    assert not text or text not in refused.value.detail


def test_no_text_shows_a_key() -> None:
    shown = f"{StateKey.parse(TEXT)!r} {StateKey.parse(TEXT)} {RING!r}"
    assert TEXT not in shown and "kkkk" not in shown


@given(st.binary(max_size=64))
def test_a_wrapped_key_opens_for_its_owner_alone(context: bytes) -> None:
    wrapped = RING.wrap(DATA_KEY, context)
    assert RING.unwrap(wrapped, context) == DATA_KEY
    with pytest.raises(WrongKeyError):
        RING.unwrap(wrapped, context + b"x")


def test_a_wrapped_key_tells_by_which_key_it_opens() -> None:
    wrapped = RING.wrap(DATA_KEY, b"c")
    assert key_id_of(wrapped) == RING.key_id
    assert key_id_of("nonsense") == ""


def test_an_earlier_key_still_opens_and_wraps_no_more() -> None:
    wrapped = RING.wrap(DATA_KEY, b"c")
    rotated = Keyring(StateKey.parse(OTHER), (StateKey.parse(TEXT),))
    assert rotated.unwrap(wrapped, b"c") == DATA_KEY
    assert key_id_of(rotated.wrap(DATA_KEY, b"c")) == StateKey.parse(OTHER).id
    assert rotated.earlier_ids == (RING.key_id,)
    assert RING.key_id in rotated and StateKey.parse(OTHER).id not in RING


def test_a_key_that_is_not_given_is_told_apart_from_one_that_is_wrong() -> None:
    wrapped = Keyring(StateKey.parse(OTHER)).wrap(DATA_KEY, b"c")
    with pytest.raises(UnknownKeyError) as unknown:
        RING.unwrap(wrapped, b"c")
    assert unknown.value.fields["key_id"] == StateKey.parse(OTHER).id
    swapped = wrapped.replace(StateKey.parse(OTHER).id, RING.key_id)
    with pytest.raises(WrongKeyError):
        RING.unwrap(swapped, b"c")


@given(st.data())
def test_a_changed_wrapped_key_does_not_open(data: st.DataObject) -> None:
    wrapped = RING.wrap(DATA_KEY, b"c")
    at = data.draw(st.integers(0, len(wrapped) - 1))
    other = data.draw(st.characters(max_codepoint=127).filter(lambda c: c != wrapped[at]))
    try:
        assert RING.unwrap(wrapped[:at] + other + wrapped[at + 1 :], b"c") == DATA_KEY
    except (WrongKeyError, UnknownKeyError):
        return
    # Base64 leaves bits of its last character unused: another spelling of the same bytes is no change.
    assert base64.b64decode((wrapped[:at] + other + wrapped[at + 1 :]).split(".")[2]) == base64.b64decode(
        wrapped.split(".")[2]
    )
