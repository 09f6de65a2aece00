import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InternalError
from cloche.vault.secret_box import SecretBox, derive_key

KEY = derive_key(b"s" * 32, "test")
BOX = SecretBox(KEY)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_for_its_owner(text: str, context: str) -> None:
    assert BOX.open(BOX.seal(text, context=context), context=context) == text


def test_a_secret_moved_to_another_owner_does_not_open() -> None:
    sealed = BOX.seal("http://ann:secret@proxy", context="ses_1")

    with pytest.raises(InternalError):
        BOX.open(sealed, context="ses_2")


def test_a_secret_does_not_open_under_another_key() -> None:
    sealed = BOX.seal("x", context="c")

    with pytest.raises(InternalError):
        SecretBox(derive_key(b"s" * 32, "other")).open(sealed, context="c")


def test_no_changed_bit_goes_unnoticed() -> None:
    data = base64.b64decode(BOX.seal("secret", context="c"))
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(InternalError):
            BOX.open(base64.b64encode(changed).decode(), context="c")


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "not base64!", "é", "A" * 16, "====", "\n"])
def test_what_was_never_sealed_is_our_error_and_not_a_crash(sealed: str) -> None:
    with pytest.raises(InternalError):
        BOX.open(sealed, context="c")


def test_a_cut_secret_does_not_open() -> None:
    sealed = BOX.seal("a secret of some length", context="c")
    for length in range(0, len(sealed), 4):
        with pytest.raises(InternalError):
            BOX.open(sealed[:length], context="c")


def test_the_same_text_is_never_sealed_alike() -> None:
    assert len({BOX.seal("x", context="c") for _ in range(50)}) == 50


def test_a_key_belongs_to_its_secret_and_its_purpose() -> None:
    one, other = secrets.token_bytes(32), secrets.token_bytes(32)

    assert derive_key(one, "a") == derive_key(one, "a")
    assert len({derive_key(one, "a"), derive_key(one, "b"), derive_key(other, "a"), one}) == 4
    assert len(derive_key(one, "a")) == 32
