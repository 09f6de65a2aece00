"""All scenarios, in the order of a report."""

from typing import Final

from side_by_side.scenarios.cycles import Cycles
from side_by_side.scenarios.density import Density
from side_by_side.scenarios.fetch import Fetch
from side_by_side.scenarios.lifecycle import Lifecycle
from side_by_side.scenarios.pile import Pile
from side_by_side.scenarios.round_trip import RoundTrip
from side_by_side.scenarios.scenario import Scenario
from side_by_side.scenarios.wake import Wake

SCENARIOS: Final[tuple[Scenario, ...]] = (Lifecycle(), RoundTrip(), Fetch(), Density(), Wake(), Cycles(), Pile())
