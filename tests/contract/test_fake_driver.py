import pytest

from cloche.testing.contract import CONTRACT, Check, DriverCase


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_the_fake_driver_keeps_the_contract(check: Check, fake_case: DriverCase) -> None:
    await check(fake_case)
