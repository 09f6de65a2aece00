"""What each request of the guest protocol does."""

from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.population import Population
from cloche.agent.sleep import Sleeper
from cloche.wire.guest import Tagged


class Verbs:
    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        activity: Activity,
        checks: Checks,
        sleeper: Sleeper,
        exec_gate: ExecGate,
        population: Population,
    ) -> None:
        raise NotImplementedError

    async def answer(self, body: bytes) -> Tagged:
        """Do what one frame asks. Whatever is wrong with it is an `Error` answer, never an exception."""
        raise NotImplementedError
