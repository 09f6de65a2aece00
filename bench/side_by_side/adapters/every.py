"""All adapters, and which of them a run has."""

from collections.abc import Sequence
from typing import Final

from side_by_side.adapters.adapter import Adapter
from side_by_side.adapters.browserless import Browserless
from side_by_side.adapters.cdp_url import CdpUrl
from side_by_side.adapters.cloche import ClocheCold, ClocheWarm
from side_by_side.adapters.lightpanda import Lightpanda
from side_by_side.adapters.playwright_server import PlaywrightServer
from side_by_side.adapters.raw import Raw
from side_by_side.world import World

ADAPTERS: Final[tuple[type[Adapter], ...]] = (
    *(Raw, ClocheCold, ClocheWarm),
    *(PlaywrightServer, Browserless, Lightpanda, CdpUrl),
)


def choose(
    names: Sequence[str], world: World, known: Sequence[type[Adapter]] = ADAPTERS
) -> tuple[list[Adapter], dict[str, str]]:
    """Those of the names (all without any) that can run here, in the order of the tables; and how to get the others."""
    chosen, skipped = list[Adapter](), dict[str, str]()
    for adapter in known:
        if names and adapter.name not in names:
            continue
        if why := adapter.missing(world):
            skipped[adapter.name] = why
        else:
            chosen.append(adapter(world))
    return chosen, skipped
