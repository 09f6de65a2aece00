"""A server without a live view says so, and its sessions live on."""

import pytest

from cloche.errors import ConflictError
from cloche.ids import PrincipalName
from cloche.live.model import Right
from cloche.sessions.live.interface import Joining, RecordingRequest
from cloche.sessions.live.none import NoLive
from cloche.sessions.principal import Principal, Role

ALICE = Principal(PrincipalName("alice"), Role.USER)


async def test_everything_is_refused_with_one_reason():
    live = NoLive()
    asked = [
        lambda: live.take_control(ALICE, "v1"),
        lambda: live.release_control(ALICE),
        lambda: live.remove(ALICE, "v1"),
        live.thumbnail,
        lambda: live.start_recording(ALICE, RecordingRequest()),
        lambda: live.stop_recording(ALICE),
    ]
    for ask in asked:
        with pytest.raises(ConflictError) as refused:
            await ask()
        assert refused.value.fields["reason"] == "live_off"
    for ask_now in (live.state, lambda: live.join(Joining(right=Right.VIEW))):
        with pytest.raises(ConflictError):
            ask_now()


async def test_it_is_a_part_of_a_session_that_does_nothing():
    live = NoLive()
    await live.furnish()
    await live.begin()
    live.browser_went()
    live.browser_came()
    await live.save("closed_by_user")
    await live.close()
