"""The contract suite itself: it must notice a driver that breaks the contract."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.ids import new_session_id
from cloche.sandbox.driver import Sandbox
from cloche.sandbox.spec import SandboxSpec
from cloche.testing import contract, driver_case
from cloche.testing.cancelling import cancelled_at
from cloche.testing.driver import FakeDriver, FakeHost
from cloche.testing.driver_case import DriverCase
from cloche.wire.agent_config import AgentConfig


class LeavesADirectory(FakeDriver):
    async def destroy(self, sandbox: Sandbox) -> None:
        await super().destroy(sandbox)
        sandbox.link_path.parent.mkdir(parents=True, exist_ok=True)


class LeavesTheStartedBehindWhenCancelled(FakeDriver):
    async def start(self, sandbox: Sandbox) -> None:
        await asyncio.sleep(0)
        (self._host.root / "half-started").mkdir(exist_ok=True)
        await asyncio.sleep(0)
        (self._host.root / "half-started").rmdir()
        await super().start(sandbox)


class Case(DriverCase):
    def __init__(self, root: Path, kind: type[FakeDriver]) -> None:
        self.host, self.kind = FakeHost(root), kind

    def new_driver(self) -> FakeDriver:
        return self.kind(self.host)

    def new_spec(self) -> SandboxSpec:
        session_id = new_session_id()
        return SandboxSpec(session_id=session_id, agent_config=AgentConfig(session_id=session_id, token="token"))

    async def leftovers(self) -> list[dict[str, Any]]:
        return await self.new_driver().leftovers()

    def traces(self) -> set[str]:
        return {path.name for path in self.host.root.iterdir()}

    async def crash(self, sandbox: Sandbox) -> None:
        self.host.end(sandbox.session_id)


@pytest.fixture
async def root(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setattr(driver_case, "WAIT_S", 0.05)
    with tempfile.TemporaryDirectory(prefix="f-") as directory:
        yield Path(directory)


async def test_a_driver_that_leaves_a_directory_is_caught(root: Path) -> None:
    with pytest.raises(AssertionError, match="left behind"):
        await contract.the_states_follow_the_verbs(Case(root, LeavesADirectory))


async def test_a_driver_that_forgets_a_cancelled_start_is_caught(root: Path) -> None:
    with pytest.raises(AssertionError, match="half-started"):
        await contract.a_cancelled_start_leaves_nothing_after_destroy(Case(root, LeavesTheStartedBehindWhenCancelled))


async def test_work_is_cancelled_at_just_the_await_that_was_named() -> None:
    reached: list[int] = []

    async def work() -> None:
        for step in range(3):
            reached.append(step)
            await asyncio.sleep(0)

    assert await cancelled_at(work(), 1)
    assert reached == [0, 1]
    assert not await cancelled_at(work(), 3)
    assert reached == [0, 1, 0, 1, 2]


async def test_work_that_swallows_its_cancellation_still_counts_as_cancelled() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    assert await cancelled_at(work(), 0)
