"""The part of the drivers' contract on what runs: it can be stopped where it stands, and be given other limits."""

import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from cloche.errors import InternalError, LostError
from cloche.sandbox.driver import SandboxState
from cloche.testing.driver_case import DriverCase


async def what_is_frozen_stands_still(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await case.running(driver)
    for _ in range(2):
        await driver.freeze(sandbox)
        seen = await driver.poll(sandbox)
        assert (seen.state, seen.is_frozen) == (SandboxState.RUNNING, True)
    await driver.reclaim(sandbox)
    for _ in range(2):
        seen = await driver.thaw(sandbox)
        assert (seen.state, seen.is_frozen) == (SandboxState.RUNNING, False)
        assert not (await driver.poll(sandbox)).is_frozen
    await case.until_up(driver, sandbox)
    await driver.destroy(sandbox)
    assert (await driver.thaw(sandbox)).state is SandboxState.GONE
    try:
        await driver.freeze(sandbox)
    except LostError:
        await case.until_no_trace()
        return
    raise AssertionError("froze what is gone")


async def limits_can_be_changed_while_it_runs(case: DriverCase) -> None:
    driver, spec = case.new_driver(), case.new_spec()
    sandbox = await driver.create(spec)
    await _refused(driver.limit(sandbox, spec.limits), LostError, InternalError)
    await driver.destroy(sandbox)
    sandbox = await case.running(driver)
    for _ in range(2):
        try:
            await driver.limit(sandbox, replace(spec.limits, processes=128, cpu_cores=0.5))
        except InternalError:
            break  # a host without control groups
    await case.until_up(driver, sandbox)
    await driver.destroy(sandbox)
    await _refused(driver.limit(sandbox, spec.limits), LostError)
    await case.until_no_trace()


async def what_is_frozen_ends_like_the_rest(case: DriverCase) -> None:
    for grace_s in (0, 1):
        driver = case.new_driver()
        sandbox = await case.running(driver)
        await driver.freeze(sandbox)
        await driver.stop(sandbox, grace_s=grace_s)
        assert (await driver.poll(sandbox)).state is SandboxState.EXITED
        await driver.destroy(sandbox)
        await case.until_no_trace()


async def what_an_earlier_daemon_froze_is_adopted_and_thawed(case: DriverCase) -> None:
    before = case.new_driver()
    sandbox = await case.running(before)
    await before.freeze(sandbox)
    after = case.new_driver()
    adopted = await after.adopt(json.loads(json.dumps(before.describe(sandbox))))
    assert (await after.poll(adopted)).is_frozen
    await after.thaw(adopted)
    await case.until_up(after, adopted)
    await after.freeze(adopted)
    await after.destroy(adopted)
    await before.destroy(sandbox)
    await case.until_no_trace()


async def _refused(step: Coroutine[Any, Any, None], *errors: type[Exception]) -> None:
    try:
        await step
    except errors:
        return
    raise AssertionError("it was not refused")
