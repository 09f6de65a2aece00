"""What no real browser can be brought to do at the right moment; the rest is in `integration/agent`."""

from collections.abc import Callable

from cloche.agent.journal import Journal
from cloche.agent.launch import Launch
from cloche.agent.life import Life
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.population import Population
from cloche.agent.supervisor import Supervisor
from cloche.wire.agent_config import BrowserConfig
from cloche.wire.messages import Payload


class Punctual(Supervisor):
    """A command comes in the very turn in which the pause after a crash has passed."""

    has_passed: Event
    on_pause: Callable[[], object]

    async def _pause(self, delay_s: float, reason: str) -> bool:
        self._pause = super()._pause  # type: ignore[method-assign]  # only once
        self.on_pause()
        await self.has_passed.wait()
        return True


def test_a_command_at_the_end_of_a_pause_has_its_own_browser_started_and_no_other() -> None:
    failures: list[str] = []
    loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
    reports: list[Payload] = []
    config = BrowserConfig(executable="/nonexistent", restart_budget=1)
    supervisor = Punctual(loop, Log("error"), config, Population(owns_namespace=False), reports.append, Journal(loop))
    supervisor.has_passed = Event(loop)
    supervisor._has_been_ready = True
    wanted = Life(loop, (), "restart_asked")
    seen: list[int] = []

    async def command() -> None:
        async with supervisor.turn():
            await supervisor.halt("restart_asked")
            before = len(reports)
            supervisor.has_passed.set()
            assert not await supervisor.begin(wanted)
            seen.append(len(reports) - before)

    async def main() -> None:
        supervisor.on_pause = lambda: loop.spawn(command(), "command")
        await supervisor.run(Launch(0.0, error="ENOENT"))

    loop.run(main())
    assert not failures
    assert wanted.reason == "exec_failed"
    assert seen == [1]  # its own end
