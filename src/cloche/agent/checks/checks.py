"""All integrations and probes of this machine."""

from collections.abc import Sequence
from typing import NamedTuple

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.population import Population
from cloche.wire.messages import Payload


class Settled(NamedTuple):
    """How checkpoint or restore commands went, by the integrations' names. `detail` is one line fit to be shown."""

    failed: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    """Those of `failed` that are critical."""
    detail: str = ""


class Checks:
    """Owned by `lifecycle`, which runs `run` as a task (cancelled, it ends every command that runs)."""

    def __init__(self, loop: Loop, log: Log, dirs: Sequence[str], population: Population) -> None:
        """`dirs` hold `integrations.d` and `probes.d`; where both name one, the first directory's counts."""

    async def run(self) -> None:
        raise NotImplementedError

    def reload(self) -> None:
        """Read the drop-ins again. What has not changed keeps its results and its time."""
        raise NotImplementedError

    def integration_reports(self) -> list[Payload]:
        raise NotImplementedError

    def probe_results(self) -> list[Payload]:
        raise NotImplementedError

    async def checkpoint(self, names: Sequence[str], within_s: float) -> Settled:
        """Run the checkpoint commands of these (none: all) side by side; what is not done in time is killed, failed."""
        raise NotImplementedError

    async def restore(self, within_s: float) -> Settled:
        """Run the restore commands side by side."""
        raise NotImplementedError

    async def pause(self) -> None:
        """Start no more checks, end those that run; integrations that were active are `paused`."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on, with every interval and grace period beginning now."""
        raise NotImplementedError
