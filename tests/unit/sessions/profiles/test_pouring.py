from collections.abc import AsyncGenerator

import pytest

from cloche.errors import ConflictError, TooLargeError
from cloche.sessions.profiles import pouring
from cloche.testing.kept_profiles import OneDirectory


async def pieces_of(*pieces: bytes) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_directory_goes_in_and_comes_out_as_it_was() -> None:
    owner = OneDirectory()
    await pouring.pour_in(owner.machine, pieces_of(b"a tar", b" file"))
    async with pouring.poured_out(owner.machine, 10) as body:
        assert b"".join([piece async for piece in body]) == b"a tar file"


async def test_reading_ends_where_it_has_become_too_much() -> None:
    owner = OneDirectory(directory=bytes(11))
    with pytest.raises(TooLargeError):
        async with pouring.poured_out(owner.machine, 10) as body:
            assert [piece async for piece in body] == []


async def test_a_browser_that_is_stopped_already_is_no_failure_and_one_that_cannot_be_stopped_is() -> None:
    owner = OneDirectory(is_running=True)
    assert await pouring.stop_browser(owner.machine)
    assert not await pouring.stop_browser(owner.machine)
    owner.refuses["/browser/stop"] = ConflictError("stuck", reason="stop_failed")
    with pytest.raises(ConflictError):
        await pouring.stop_browser(owner.machine)


@pytest.mark.parametrize(
    ("left", "url", "told"),
    [
        (True, None, {"restore_tabs": True}),
        (True, "https://a.test/", {"restore_tabs": True, "start_url": "https://a.test/"}),
        (False, None, {"restore_tabs": False}),
        (False, "about:blank", {"restore_tabs": False, "start_url": "about:blank"}),
    ],
)
async def test_a_browser_opens_the_tabs_that_were_left_or_what_it_is_told(
    left: bool, url: str | None, told: dict[str, object]
) -> None:
    owner = OneDirectory()
    await pouring.start_browser(owner.machine, opens_left_tabs=left, url=url)
    assert owner.started_with == told
