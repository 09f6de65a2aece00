"""What every sandbox driver must do, as coroutines that take a `DriverCase`; `CONTRACT` lists them all.

    @pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
    async def test_the_driver_keeps_the_contract(check, case):
        await check(case)

A case knows how to make one driver's world and how to look at it from outside. A check leaves nothing behind, and
that is half of what it checks: `traces` must be what they were.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from cloche.concurrency.tasks import spawn
from cloche.errors import InternalError, LostError
from cloche.sandbox.driver import Sandbox, SandboxDriver, SandboxState
from cloche.sandbox.spec import Limits
from cloche.testing.cancelling import cancelled_at
from cloche.testing.contract_standing import (
    limits_can_be_changed_while_it_runs,
    what_an_earlier_daemon_froze_is_adopted_and_thawed,
    what_is_frozen_ends_like_the_rest,
    what_is_frozen_stands_still,
)
from cloche.testing.driver_case import Check, DriverCase

_MOST_STEPS: Final = 60


async def every_verb_may_be_called_twice(case: DriverCase) -> None:
    driver, spec = case.new_driver(), case.new_spec()
    first, sandbox = await driver.create(spec), await driver.create(spec)
    assert (first.session_id, first.link_path) == (sandbox.session_id, sandbox.link_path)
    await driver.start(sandbox)
    await driver.start(sandbox)
    await case.until_up(driver, sandbox)
    assert driver.describe(sandbox) == driver.describe(sandbox)
    for _ in range(2):
        assert (await driver.poll(sandbox)).state is SandboxState.RUNNING
    for _ in range(2):
        await driver.stop(sandbox, grace_s=0)
        assert (await driver.poll(sandbox)).state is SandboxState.EXITED
    for _ in range(2):
        await driver.destroy(sandbox)
        assert (await driver.poll(sandbox)).state is SandboxState.GONE
    await case.until_no_trace()


async def the_states_follow_the_verbs(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await driver.create(case.new_spec())
    assert sandbox.link_path.parent.is_dir()
    assert (await driver.poll(sandbox)).state is SandboxState.CREATED
    await driver.start(sandbox)
    assert (await driver.poll(sandbox)).state is SandboxState.RUNNING
    await driver.stop(sandbox, grace_s=1)
    seen = await driver.poll(sandbox)
    assert seen.state is SandboxState.EXITED
    assert seen.reason in {"exited", "killed"}
    await driver.destroy(sandbox)
    await case.until_no_trace()


async def a_description_is_small_json(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await case.running(driver)
    text = json.dumps(driver.describe(sandbox))
    await driver.destroy(sandbox)
    assert len(text) < 4096


async def a_stop_during_a_start_leaves_nothing_running(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await driver.create(case.new_spec())
    starting = spawn(driver.start(sandbox), name="start")
    await asyncio.sleep(0)
    await driver.stop(sandbox, grace_s=0)
    await asyncio.gather(starting, return_exceptions=True)
    assert (await driver.poll(sandbox)).state is not SandboxState.RUNNING
    await driver.destroy(sandbox)
    await case.until_no_trace()


async def a_destroy_during_a_start_leaves_nothing(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await driver.create(case.new_spec())
    starting = spawn(driver.start(sandbox), name="start")
    await asyncio.sleep(0)
    await driver.destroy(sandbox)
    await asyncio.gather(starting, return_exceptions=True)
    assert (await driver.poll(sandbox)).state is SandboxState.GONE
    await case.until_no_trace()


async def a_removed_sandbox_cannot_be_started(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await driver.create(case.new_spec())
    await driver.destroy(sandbox)
    try:
        await driver.start(sandbox)
    except LostError:
        await case.until_no_trace()
        return
    raise AssertionError("a removed sandbox was started")


async def an_end_from_inside_is_seen(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await case.running(driver)
    await case.crash(sandbox)
    seen = await driver.poll(sandbox)
    assert seen.state is SandboxState.EXITED
    assert seen.reason == "killed"
    assert seen.exit_code not in (None, 0)
    await refused(driver, sandbox)
    await driver.destroy(sandbox)
    await case.until_no_trace()


async def a_new_driver_adopts_what_lives(case: DriverCase) -> None:
    before = case.new_driver()
    sandbox = await case.running(before)
    description = json.loads(json.dumps(before.describe(sandbox)))
    after = case.new_driver()
    adopted = await after.adopt(description)
    assert (await after.poll(adopted)).state is SandboxState.RUNNING
    assert (adopted.session_id, adopted.link_path, adopted.peer_uid) == (
        sandbox.session_id,
        sandbox.link_path,
        sandbox.peer_uid,
    )
    await case.until_up(after, adopted)
    await after.start(adopted)
    await after.stop(adopted, grace_s=1)
    assert (await after.poll(adopted)).state is SandboxState.EXITED
    await after.destroy(adopted)
    await before.destroy(sandbox)
    await case.until_no_trace()


async def a_new_driver_adopts_what_has_died(case: DriverCase) -> None:
    before = case.new_driver()
    sandbox = await case.running(before)
    description = before.describe(sandbox)
    await case.crash(sandbox)
    after = case.new_driver()
    adopted = await after.adopt(description)
    assert (await after.poll(adopted)).state is SandboxState.EXITED
    await refused(after, adopted)
    await after.destroy(adopted)
    await before.destroy(sandbox)
    await case.until_no_trace()


async def nothing_is_adopted_where_nothing_is_left(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await case.running(driver)
    description = driver.describe(sandbox)
    await driver.destroy(sandbox)
    for unusable in (description, {}, {**description, "driver": "another"}, {**description, "session_id": "../.."}):
        try:
            await driver.adopt(unusable)
        except LostError:
            continue
        raise AssertionError(f"adopted from {unusable}")


async def what_a_dead_daemon_left_is_found_and_removed(case: DriverCase) -> None:
    before = case.new_driver()
    created = await before.create(case.new_spec())
    running = await case.running(before)
    found = {description["session_id"]: description for description in await case.leftovers()}
    assert set(found) == {created.session_id, running.session_id}
    after = case.new_driver()
    for description in found.values():
        await after.destroy(await after.adopt(json.loads(json.dumps(description))))
    assert await case.leftovers() == []
    for sandbox in (created, running):
        await before.destroy(sandbox)
    await case.until_no_trace()


async def two_sandboxes_are_apart(case: DriverCase) -> None:
    driver = case.new_driver()
    one, two = await case.running(driver), await case.running(driver)
    assert one.link_path != two.link_path
    await driver.stop(one, grace_s=0)
    assert (await driver.poll(one)).state is SandboxState.EXITED
    assert (await driver.poll(two)).state is SandboxState.RUNNING
    await case.until_up(driver, two)
    await driver.destroy(one)
    assert (await driver.poll(two)).state is SandboxState.RUNNING
    await driver.destroy(two)
    await case.until_no_trace()


async def a_sandbox_that_does_not_run_refuses_connections(case: DriverCase) -> None:
    driver = case.new_driver()
    sandbox = await driver.create(case.new_spec())
    await refused(driver, sandbox)
    await driver.start(sandbox)
    await driver.stop(sandbox, grace_s=0)
    await refused(driver, sandbox)
    await driver.destroy(sandbox)
    await refused(driver, sandbox)


async def a_cancelled_create_leaves_nothing(case: DriverCase) -> None:
    async def attempt(step: int) -> bool:
        driver = case.new_driver()
        created: list[Sandbox] = []

        async def create() -> None:
            created.append(await driver.create(case.new_spec()))

        was_cancelled = await cancelled_at(create(), step)
        if created:
            await driver.destroy(created[0])
        return was_cancelled

    await at_every_step(case, attempt)


async def a_cancelled_start_leaves_nothing_after_destroy(case: DriverCase) -> None:
    async def attempt(step: int) -> bool:
        driver = case.new_driver()
        sandbox = await driver.create(case.new_spec())
        was_cancelled = await cancelled_at(driver.start(sandbox), step)
        await driver.destroy(sandbox)
        return was_cancelled

    await at_every_step(case, attempt)


async def a_cancelled_verb_leaves_nothing_after_destroy(case: DriverCase) -> None:
    verbs: tuple[Callable[[SandboxDriver, Sandbox], Coroutine[Any, Any, Any]], ...] = (
        lambda driver, sandbox: driver.stop(sandbox, grace_s=1),
        lambda driver, sandbox: driver.destroy(sandbox),
        lambda driver, sandbox: driver.poll(sandbox),
        lambda driver, sandbox: driver.freeze(sandbox),
        lambda driver, sandbox: driver.thaw(sandbox),
        _limit,
        lambda driver, sandbox: _connect_and_close(driver, sandbox),
        lambda driver, sandbox: _adopt_and_destroy(case.new_driver(), driver.describe(sandbox)),
    )
    for verb in verbs:

        async def attempt(step: int, verb: Callable[..., Coroutine[Any, Any, Any]] = verb) -> bool:
            driver = case.new_driver()
            sandbox = await case.running(driver)
            was_cancelled = await cancelled_at(verb(driver, sandbox), step)
            await driver.destroy(sandbox)
            return was_cancelled

        await at_every_step(case, attempt)


async def _limit(driver: SandboxDriver, sandbox: Sandbox) -> None:
    with contextlib.suppress(InternalError):  # a host without control groups
        await driver.limit(sandbox, Limits(memory_bytes=256 << 20, processes=128, cpu_cores=0.5))


async def _connect_and_close(driver: SandboxDriver, sandbox: Sandbox) -> None:
    (await driver.connect(sandbox)).close()


async def _adopt_and_destroy(driver: SandboxDriver, description: dict[str, Any]) -> None:
    adopted = await driver.adopt(description)
    # Not to be cancelled itself: it is how this check cleans up after an adoption that went through.
    await asyncio.shield(spawn(driver.destroy(adopted), name="destroy-adopted"))


CONTRACT: Final[tuple[Check, ...]] = (
    every_verb_may_be_called_twice,
    the_states_follow_the_verbs,
    a_description_is_small_json,
    a_stop_during_a_start_leaves_nothing_running,
    a_destroy_during_a_start_leaves_nothing,
    a_removed_sandbox_cannot_be_started,
    an_end_from_inside_is_seen,
    a_new_driver_adopts_what_lives,
    a_new_driver_adopts_what_has_died,
    nothing_is_adopted_where_nothing_is_left,
    what_a_dead_daemon_left_is_found_and_removed,
    two_sandboxes_are_apart,
    a_sandbox_that_does_not_run_refuses_connections,
    limits_can_be_changed_while_it_runs,
    what_is_frozen_stands_still,
    what_is_frozen_ends_like_the_rest,
    what_an_earlier_daemon_froze_is_adopted_and_thawed,
    a_cancelled_create_leaves_nothing,
    a_cancelled_start_leaves_nothing_after_destroy,
    a_cancelled_verb_leaves_nothing_after_destroy,
)


async def refused(driver: SandboxDriver, sandbox: Sandbox) -> None:
    """Assert that `connect` raises LostError."""
    try:
        connected = await driver.connect(sandbox)
    except LostError:
        return
    connected.close()
    raise AssertionError("connected to a sandbox that does not run")


async def at_every_step(case: DriverCase, attempt: Callable[[int], Awaitable[bool]]) -> None:
    """Run `attempt` with a cancellation at its 0th, 1st, 2nd… await, until it gets through without one."""
    for step in range(_MOST_STEPS):
        was_cancelled = await attempt(step)
        await case.until_no_trace()
        if not was_cancelled:
            return
    raise AssertionError(f"still awaiting after {_MOST_STEPS} steps")
