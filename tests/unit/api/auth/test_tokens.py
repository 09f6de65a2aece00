"""Signed tokens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.auth.tokens import TokenRole, TokenSigner
from cloche.errors import UnauthenticatedError
from cloche.ids import SessionId, new_session_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
signer = TokenSigner(b"s" * 32)


@given(st.sampled_from(TokenRole), st.none() | st.integers(1, 10**6))
def test_a_token_gives_its_role_until_it_expires(role: TokenRole, seconds: int | None) -> None:
    expires_at = NOW + timedelta(seconds=seconds) if seconds is not None else None
    token = signer.mint(ID, role, expires_at)
    assert len(token) == 56
    assert signer.verify(token, ID, NOW) is role
    if expires_at is None:
        assert signer.verify(token, ID, NOW + timedelta(days=10_000)) is role
    else:
        with pytest.raises(UnauthenticatedError):
            signer.verify(token, ID, expires_at)


def test_a_token_without_expiry_is_always_the_same_so_a_connect_url_is_too() -> None:
    assert signer.mint(ID, TokenRole.DRIVE) == TokenSigner(b"s" * 32).mint(ID, TokenRole.DRIVE)


@given(st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
def test_a_token_with_any_character_changed_is_refused(position: int, character: str) -> None:
    token = signer.mint(ID, TokenRole.DRIVE)
    altered = token[:position] + character + token[position + 1 :]
    if altered != token:
        with pytest.raises(UnauthenticatedError):
            signer.verify(altered, ID, NOW)


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        signer.verify(text, ID, NOW)


def test_another_sessions_token_is_refused() -> None:
    with pytest.raises(UnauthenticatedError):
        signer.verify(signer.mint(new_session_id(), TokenRole.DRIVE), ID, NOW)


def test_a_token_under_another_secret_is_refused() -> None:
    with pytest.raises(UnauthenticatedError):
        signer.verify(TokenSigner(b"x" * 32).mint(ID, TokenRole.DRIVE), ID, NOW)


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="32"):
        TokenSigner(b"short")
