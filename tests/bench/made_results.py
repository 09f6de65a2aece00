"""Results as a run makes them, for tests of what is made of them."""

from collections.abc import Mapping, Sequence

from side_by_side.results import Peer, Results

MADE_ON = {
    "cores": "2",
    "processor": "a processor",
    "memory": "24 GiB",
    "kernel": "Linux 6.1",
    "python": "3.11.2",
    "chromium": "Chromium 156",
    "playwright": "1.65",
    "cloche": "abcdef0",
    "load": "0.10",
    "stolen": "0.0%",
}
PEERS = {"raw": "raw Chromium", "cloche-cold": "Cloche cold", "cloche-warm": "Cloche warm", "lightpanda": "Lightpanda"}


def results(
    scenario: str, figures: Mapping[tuple[str, str, str], Sequence[float]], peers: Sequence[str] = tuple(PEERS),
    **options: int,
) -> Results:  # fmt: skip
    """`figures` by adapter, case and metric."""
    made = Results(scenario, MADE_ON, options)
    made.peers = {name: Peer(PEERS[name], f"what {name} is") for name in peers}
    for (adapter, case, metric), values in figures.items():
        for value in values:
            made.add(adapter, case, metric, value)
            made.tried(adapter, case)
    return made
