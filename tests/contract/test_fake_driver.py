import pytest

from cloche.agent_link import guest, streams
from cloche.testing.contract import CONTRACT
from cloche.testing.driver_case import Check, DriverCase
from cloche.wire.guest import Answer, Tagged, Verb


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_the_fake_driver_keeps_the_contract(check: Check, fake_case: DriverCase) -> None:
    await check(fake_case)


async def test_the_agent_of_a_fake_sandbox_speaks_the_guest_protocol(fake_case: DriverCase) -> None:
    driver = fake_case.new_driver()
    sandbox = await fake_case.running(driver)
    for verb, expected in ((Verb.PING, Answer.PONG), (Verb.EXEC, Answer.ERROR)):
        stream = await streams.open_guest(await driver.connect(sandbox))
        assert (await guest.ask(stream, Tagged(verb, {"argv": ["ls"]}), timeout_s=5)).tag == expected
    await driver.destroy(sandbox)
    await fake_case.until_no_trace()
