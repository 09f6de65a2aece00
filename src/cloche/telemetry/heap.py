"""What the process's memory is made of, as its two allocators tell: Python's own and the C library's below it.

The resident size alone does not say whether something leaks. It also holds what either allocator has free and keeps
for later, and it is only given back where a whole stretch of it is free.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge

FIELDS: Final = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class _Mallinfo2(ctypes.Structure):
    """mallinfo(3)."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in FIELDS)


class Heap(NamedTuple):
    """Of all heaps of the C library, in bytes. Python's small objects live elsewhere and are counted as blocks."""

    in_use: int
    free: int


def heap_reader() -> Callable[[], Heap] | None:
    """None: this C library does not tell (musl, and glibc before 2.33)."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return None
    mallinfo2.argtypes, mallinfo2.restype = (), _Mallinfo2

    def read() -> Heap:
        found = mallinfo2()
        return Heap(found.uordblks + found.hblkhd, found.fordblks)

    return read


def register_memory(registry: CollectorRegistry) -> None:
    """Series that are read at each scrape."""
    blocks = Gauge(
        "cloche_python_blocks",
        "Blocks of memory that Python objects take in the daemon, those that only wait for the collector among them.",
        registry=registry,
    )
    blocks.set_function(sys.getallocatedblocks)
    if (read := heap_reader()) is not None:
        heap = Gauge(
            "cloche_heap_bytes",
            "The daemon's heaps in the C library: what is in use, and what it keeps free for later.",
            ["state"],
            registry=registry,
        )
        heap.labels("in_use").set_function(lambda: read().in_use)
        heap.labels("free").set_function(lambda: read().free)
