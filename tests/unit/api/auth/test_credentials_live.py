"""Who may enter a live view: a key, or a link's token until it ends; a drive token never."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from cloche.api.auth.credentials import Credentials
from cloche.api.auth.keys import KeyStore
from cloche.api.auth.tokens import EXPIRED, TokenRole, TokenSigner
from cloche.errors import DeniedError, UnauthenticatedError
from cloche.ids import PrincipalName, new_session_id
from cloche.live.model import Right
from cloche.sessions.principal import Principal, Role
from cloche.testing.clock import FakeClock

SESSION = new_session_id()


class OneKey:
    async def verify(self, secret: str) -> Principal | None:
        return Principal(PrincipalName("ann"), Role.USER) if secret == "ck_ann" else None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(bytes(32))


@pytest.fixture
def credentials(clock: FakeClock, signer: TokenSigner) -> Credentials:
    return Credentials(cast(KeyStore, OneKey()), signer, clock)


@pytest.mark.parametrize(("role", "right"), [(TokenRole.VIEW, Right.VIEW), (TokenRole.CONTROL, Right.CONTROL)])
async def test_a_links_token_gives_its_right_until_it_ends(
    credentials: Credentials, signer: TokenSigner, clock: FakeClock, role: TokenRole, right: Right
) -> None:
    until = (clock.now() + timedelta(minutes=1)).replace(microsecond=0)
    token = signer.mint(SESSION, role, until)
    access = await credentials.live({}, token, SESSION)
    assert (access.principal, access.right, access.expires_at, access.token) == (None, right, until, token)
    clock.advance(61)
    with pytest.raises(UnauthenticatedError) as raised:
        await credentials.live({}, token, SESSION)
    assert raised.value.fields["reason"] == EXPIRED


async def test_a_key_comes_first_and_may_act(credentials: Credentials, signer: TokenSigner) -> None:
    access = await credentials.live({"x-api-key": "ck_ann"}, signer.mint(SESSION, TokenRole.VIEW), SESSION)
    assert access.principal is not None and access.right is Right.CONTROL and access.expires_at is None
    with pytest.raises(UnauthenticatedError):
        await credentials.live({"x-api-key": "ck_other"}, signer.mint(SESSION, TokenRole.VIEW), SESSION)


async def test_a_drive_token_opens_no_live_view(credentials: Credentials, signer: TokenSigner) -> None:
    with pytest.raises(DeniedError):
        await credentials.live({}, signer.mint(SESSION, TokenRole.DRIVE), SESSION)
    with pytest.raises(UnauthenticatedError):
        await credentials.live({}, signer.mint(new_session_id(), TokenRole.VIEW), SESSION)
    with pytest.raises(UnauthenticatedError):
        await credentials.live({}, None, SESSION)


def test_an_end_beyond_what_a_date_can_say_is_the_last_there_is(signer: TokenSigner) -> None:
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    grant = signer.read(signer.mint(SESSION, TokenRole.VIEW, far), SESSION, datetime.now(UTC))
    assert grant.expires_at is not None and grant.expires_at.year == 9999
    assert signer.read(signer.mint(SESSION, TokenRole.VIEW), SESSION, datetime.now(UTC)).expires_at is None
