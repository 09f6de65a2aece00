"""Runs the commands of drop-ins: shell text, so many at a time and no more."""

import os
import time
from collections import deque
from typing import Final

from cloche.agent.checks.verdict import MAX_OUTPUT_BYTES
from cloche.agent.child import ChildOutcome, ChildSpec, run_child
from cloche.agent.loop import Event, Loop
from cloche.agent.population import Population

AT_ONCE: Final = 8

_OWN_VARIABLES: Final = ("CLOCHE_", "MESHBROW_")


class Slots:
    """Lets so many in at once; the others wait in the order they came."""

    def __init__(self, loop: Loop, count: int) -> None:
        self._loop = loop
        self._free = count
        self._waiting: deque[Event] = deque()

    async def take(self, deadline: float | None = None) -> None:
        """Wait for a slot. Whoever got one gives it back.

        Raises:
            TimeoutError: there was none before the deadline (monotonic).
        """
        if self._free:
            self._free -= 1
            return
        turn = Event(self._loop)
        self._waiting.append(turn)
        try:
            await turn.wait(deadline)
        except BaseException:
            if turn.is_set():  # it was ours for a moment
                self.give_back()
            else:
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1


class Runner:
    """Owned by `Checks`. Checkpoint and restore commands do not wait behind checks that hang."""

    def __init__(self, loop: Loop, population: Population) -> None:
        self._loop, self._population = loop, population
        self._env = {key: value for key, value in os.environ.items() if not key.startswith(_OWN_VARIABLES)}
        self._slots = Slots(loop, AT_ONCE)
        self._hurried_slots = Slots(loop, AT_ONCE)

    async def run(self, command: str, timeout_s: float) -> ChildOutcome:
        """Run a check's command once there is a slot; its time begins then."""
        await self._slots.take()
        try:
            return await self._run(command, timeout_s)
        finally:
            self._slots.give_back()

    async def run_hurried(self, command: str, deadline: float, *, keeps_group: bool = False) -> ChildOutcome:
        """Run a command that must be done by a time (monotonic), in slots that no check ever takes.

        Raises:
            TimeoutError: there was no slot until then.
        """
        await self._hurried_slots.take(deadline)
        try:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            return await self._run(command, left_s, keeps_group=keeps_group)
        finally:
            self._hurried_slots.give_back()

    async def _run(self, command: str, timeout_s: float, *, keeps_group: bool = False) -> ChildOutcome:
        spec = ChildSpec(
            ("/bin/sh", "-c", command),
            timeout_s,
            self._env,
            max_output_bytes=MAX_OUTPUT_BYTES,
            keeps_group=keeps_group,
        )
        return await run_child(self._loop, spec, self._population)
