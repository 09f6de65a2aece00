import asyncio

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, StartError
from cloche.sessions.startup import Startup


class Steps:
    """Steps that wait for a test to let them go on, and tell whether they were put away."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        self.put_away = False
        self._error = error

    async def run(self) -> None:
        self.begun.set()
        try:
            await self.go_on.wait()
            if self._error is not None:
                raise self._error
        finally:
            await asyncio.sleep(0)
            self.put_away = True


async def test_steps_that_go_well_are_simply_taken() -> None:
    steps, startup = Steps(), Startup("x")
    steps.go_on.set()

    assert await startup.run(steps.run()) is True
    await startup.stop()


async def test_what_a_step_raises_is_raised() -> None:
    steps, startup = Steps(ValueError("bug")), Startup("x")
    steps.go_on.set()

    with pytest.raises(ValueError, match="bug"):
        await startup.run(steps.run())


async def test_a_reported_failure_cuts_the_steps_short_and_the_first_reason_counts() -> None:
    steps, startup = Steps(), Startup("x")
    running = spawn(startup.run(steps.run()), name="run")
    await steps.begun.wait()
    startup.fail("exec_failed", "first")
    startup.fail("agent_lost", "second")

    with pytest.raises(StartError) as caught:
        await asyncio.wait_for(running, 5)
    assert caught.value.reason == "exec_failed"
    assert steps.put_away


async def test_a_reason_that_comes_right_after_a_step_failed_for_it_is_the_one_told() -> None:
    steps, startup = Steps(AgentError("the stream broke off")), Startup("x")
    running = spawn(startup.run(steps.run()), name="run")
    await steps.begun.wait()
    steps.go_on.set()
    for _ in range(10):
        await asyncio.sleep(0)
    startup.fail("exec_failed", "why it broke off")

    with pytest.raises(StartError) as caught:
        await running
    assert isinstance(caught.value.__cause__, AgentError)


async def test_stopping_cuts_the_steps_short_and_waits_for_them() -> None:
    steps, startup = Steps(), Startup("x")
    running = spawn(startup.run(steps.run()), name="run")
    await steps.begun.wait()
    await startup.stop()

    assert steps.put_away
    assert await asyncio.wait_for(running, 5) is False
    await startup.stop()


async def test_one_that_is_cancelled_cancels_its_steps() -> None:
    steps, startup = Steps(), Startup("x")
    running = spawn(startup.run(steps.run()), name="run")
    await steps.begun.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert steps.put_away
