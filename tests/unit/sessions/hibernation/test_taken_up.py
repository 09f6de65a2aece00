"""A browser that a crash in the middle of a snapshot has left stopped."""

import socket

from cloche.errors import AgentError, ClocheError, ConflictError
from cloche.sessions.hibernation.taken_up import TakenUp
from cloche.testing.kept_profiles import OneDirectory


class Runner(OneDirectory):
    failure: ClocheError | None = None

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        assert is_own, "clients wait for this"
        if self.failure is not None:
            raise self.failure
        if not self.is_running:
            raise ConflictError("stopped", reason="browser_stopped")
        return socket.socket(), "/devtools/browser/x"


async def test_one_that_is_stopped_is_started_with_the_tabs_that_its_agent_has_noted() -> None:
    runner = Runner()
    await TakenUp(runner).begin()
    assert runner.is_running
    assert runner.expected == [True, False]
    assert runner.started_with == {"restore_tabs": True}


async def test_one_that_runs_or_cannot_be_reached_is_left_alone_and_so_is_that_of_a_new_session() -> None:
    running, lost, new = Runner(is_running=True), Runner(), Runner()
    lost.failure = AgentError("it does not answer")
    for runner in (running, lost):
        await TakenUp(runner).begin()
    part = TakenUp(new)
    await part.furnish()
    await part.begin()
    assert running.asked == lost.asked == new.asked == []


async def test_one_that_does_not_start_can_still_be_started_by_whoever_wants_it() -> None:
    runner = Runner()
    runner.refuses["/browser/start"] = AgentError("it does not answer")
    await TakenUp(runner).begin()
    assert not runner.is_running
    assert runner.expected == [True, False]
