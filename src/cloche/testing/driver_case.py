"""One driver's world, as the checks of `cloche.testing.contract` see it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final

from cloche.sandbox.driver import Sandbox, SandboxDriver
from cloche.sandbox.spec import SandboxSpec

WAIT_S: Final = 5.0


class DriverCase(ABC):
    """One driver's world."""

    @abstractmethod
    def new_driver(self) -> SandboxDriver:
        """Another driver object over the same world, as a restarted daemon would make it."""

    @abstractmethod
    def new_spec(self) -> SandboxSpec:
        """What to build: a fresh session each time."""

    @abstractmethod
    async def leftovers(self) -> list[dict[str, Any]]:
        """What the driver finds left in this world."""

    @abstractmethod
    def traces(self) -> set[str]:
        """Whatever exists of this world's sandboxes now: processes, directories, groups, uids, descriptors."""

    @abstractmethod
    async def crash(self, sandbox: Sandbox) -> None:
        """Make what runs inside die, as a crash would; returns when it is dead."""

    async def until_up(self, driver: SandboxDriver, sandbox: Sandbox) -> None:
        """Wait until the agent accepts a connection."""
        (await driver.connect(sandbox)).close()

    async def until_no_trace(self) -> None:
        """Wait until nothing is left; AssertionError with what is, after `WAIT_S`."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while left := await asyncio.to_thread(self.traces):
            assert asyncio.get_running_loop().time() < deadline, f"left behind: {sorted(left)}"
            await asyncio.sleep(0.01)

    async def running(self, driver: SandboxDriver) -> Sandbox:
        """A sandbox that is up."""
        sandbox = await driver.create(self.new_spec())
        await driver.start(sandbox)
        await self.until_up(driver, sandbox)
        return sandbox


Check = Callable[[DriverCase], Awaitable[None]]
