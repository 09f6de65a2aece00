"""What a restart changes in a real browser, and that it stays until it is changed again."""

from typing import Any

from cloche.testing.cdp import CdpClient
from cloche.testing.web.server import LocalWeb

from .stage import Place, keep, kept


async def test_a_policy_is_in_force_until_it_is_taken_back(make_place: Any, local_web: LocalWeb) -> None:
    place: Place = await make_place(engine="chrome")
    blocked, other = local_web.url("site.test", "/page"), local_web.url("other.test", "/page")
    for policies, answer in (
        ({"URLBlocklist": ["site.test"]}, "net::ERR_BLOCKED_BY_ADMINISTRATOR"),
        (None, "net::ERR_BLOCKED_BY_ADMINISTRATOR"),
        ({}, None),
    ):
        await place.machine.restart_browser(policies=policies)
        async with await CdpClient.connect(place.connect_url) as client:
            page = await client.new_page()
            assert await page.goto(blocked, wait_loaded=False) == answer
            assert await page.goto(other) is None


async def test_flags_stay_until_they_are_cleared(place: Place) -> None:
    for flags, size in ((["--window-size=801,602"], [801, 602]), (None, [801, 602]), ([], [1280, 800])):
        await place.machine.restart_browser(flags=flags)
        async with await CdpClient.connect(place.connect_url) as client:
            page = await client.new_page()
            assert await page.evaluate("[outerWidth, outerHeight]") == size


async def test_a_profile_is_taken_from_the_workspace_or_begun_anew(make_place: Any, home: str) -> None:
    place: Place = await make_place(egress={"private_hosts": [home]})
    async with await CdpClient.connect(place.connect_url) as client:
        await keep(await client.new_page(f"http://{home}/page"), "old")
    await place.machine.stop_browser()
    archive = b"".join([piece async for piece in place.machine.download("/profile")])
    await place.machine.restart_browser(fresh_profile=True)
    async with await CdpClient.connect(place.connect_url) as client:
        page = await client.new_page(f"http://{home}/page")
        assert await page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
    await place.machine.upload("/workspace/kept", archive)
    await place.machine.restart_browser(profile="/workspace/kept")
    async with await CdpClient.connect(place.connect_url) as client:
        assert await kept(await client.new_page(f"http://{home}/page")) == ["old", "old", "old", 1]
    assert "kept" not in [entry.name for entry in await place.machine.list_files()], "it has become the profile"
