"""Why a place ended, as a close code."""

import pytest

from cloche.api.auth.tokens import EXPIRED
from cloche.api.live.closing import closing_for, closing_of
from cloche.errors import BusyError, ClocheError, DeniedError, GoneError, NotFoundError, UnauthenticatedError
from cloche.sessions.live.interface import LeaveReason


@pytest.mark.parametrize("reason", list(LeaveReason))
def test_every_reason_has_its_code_and_is_told_by_its_name(reason: LeaveReason) -> None:
    closing = closing_for(reason)
    assert closing.reason == reason.value
    assert closing.code in (1000, 1001, 1008) or 4400 <= closing.code < 4500


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GoneError("it has ended"), 4410),
        (BusyError("full"), 4429),
        (UnauthenticatedError("expired", reason=EXPIRED), 4401),
        (UnauthenticatedError("no token"), None),
        (DeniedError("no"), None),
        (NotFoundError("no"), None),
    ],
)
def test_some_refusals_are_told_to_a_pages_script(error: ClocheError, code: int | None) -> None:
    closing = closing_of(error)
    assert (closing.code if closing else None) == code
