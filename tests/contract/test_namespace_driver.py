import pytest

from cloche.testing.contract import CONTRACT
from cloche.testing.driver_case import Check, DriverCase


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_the_namespace_driver_keeps_the_contract(check: Check, namespace_case: DriverCase) -> None:
    await check(namespace_case)
