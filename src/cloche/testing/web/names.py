"""The names of the local web and what they resolve to. Addresses are those that `cloche.testing.netns` puts on lo."""

from types import MappingProxyType
from typing import Final

from cloche.testing import netns

PUBLIC: Final = netns.PUBLIC_LOOKING[0]
CLOSED: Final = "93.184.215.28"
"""Belongs to `closed.test`; a test may listen there on a port of its own."""
UPSTREAM: Final = "93.184.215.29"
"""For a test's own upstream proxy, at a port of its own."""
UNREACHABLE_V6: Final = "2606:2800:21f:cb07::dead"
"""On no interface: connecting fails at once, so the other family has to do."""

NAMES: Final = MappingProxyType(
    {
        # The internet, as a policy sees it.
        "site.test": (PUBLIC,),
        "www.site.test": (PUBLIC,),
        "other.test": ("93.184.215.20",),
        "cdn.test": ("93.184.215.21",),
        "download.test": ("93.184.215.22",),
        "slow.test": ("93.184.215.23",),
        "two.test": ("93.184.215.24", "93.184.215.27"),
        "rebind.test": ("93.184.215.25",),
        "dual.test": ("93.184.215.26", "2606:2800:21f:cb07::20"),
        "happy.test": (UNREACHABLE_V6, "93.184.215.26"),
        "v6.test": ("2606:2800:21f:cb07::14",),
        "closed.test": (CLOSED,),
        "upstream.test": (UPSTREAM,),
        # What a policy must refuse.
        "loopback.test": ("127.0.0.1",),
        "loopback6.test": ("::1",),
        "private.test": ("10.77.0.5",),
        "lan.test": ("192.168.77.5",),
        "docker.test": ("172.20.77.5",),
        "cgnat.test": ("100.64.77.5",),
        "metadata.test": ("169.254.169.254",),
        "benchmark.test": ("198.18.77.5",),
        "ula.test": ("fd77::5",),
        "nat64.test": ("64:ff9b::a4d:5",),
        "sixtofour.test": ("2002:a4d:5::1",),
        "mapped.test": ("::ffff:10.77.0.5",),
        "mixed.test": ("93.184.215.27", "10.77.0.5"),
    }
)

REFUSED_NAMES: Final = (
    "loopback.test", "loopback6.test", "private.test", "lan.test", "docker.test", "cgnat.test", "metadata.test",
    "benchmark.test", "ula.test", "nat64.test", "sixtofour.test", "mapped.test", "mixed.test",
)  # fmt: skip
"""Names of which at least one address is forbidden."""
