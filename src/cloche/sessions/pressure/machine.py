"""The machine as creates ask after it: can it bear so many more, and if not, can something be given up?"""

from typing import Final

from cloche.sessions.pressure.demand import Demand, Footprint
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Judge, Shortage, Thresholds
from cloche.sessions.pressure.relief import Reliefs

SPARE_SESSIONS: Final = 2
"""What nobody has asked for yet is built only where there is room for so many besides."""


class MachinePressure:
    """Owned by the composition root; asked by the admission queue, and looked after by its `keeper`."""

    def __init__(self, gauge: Gauge, thresholds: Thresholds, reliefs: Reliefs) -> None:
        self._gauge, self._reliefs = gauge, reliefs
        # One for each question: who asks about more is short earlier, and would make the others so.
        self._for_creates, self._for_those_that_live, self._for_spares = (Judge(thresholds) for _ in range(3))
        self.is_short = False
        """At the last look there was nothing to spare."""

    async def shortage(self, demand: Demand) -> Shortage | None:
        """What stands in the way of `demand`, by a reading that is a second old at most."""
        return self._for_creates.shortage(await self._gauge.readings(), demand)

    async def relieved(self, demand: Demand) -> Shortage | None:
        """The same after something was given up for it, where there was something."""
        found = await self.shortage(demand)
        if found is not None:
            self.is_short = True
        if found is None or not await self._reliefs.relieve(found):
            return found
        self._gauge.forget()
        return await self.shortage(demand)

    async def look(self) -> int:
        """See to those that live: have given up what the reserve lacks. Returns how much was: bytes, or tasks."""
        seen = await self._gauge.readings()
        self.is_short = self._for_spares.shortage(seen, Demand(Footprint(), SPARE_SESSIONS)) is not None
        found = self._for_those_that_live.shortage(seen, Demand(Footprint(), 0))
        freed = await self._reliefs.relieve(found) if found is not None else 0
        if freed:
            self._gauge.forget()
        return freed
