"""What a real daemon's memory is made of."""

import asyncio
import re
from itertools import pairwise
from pathlib import Path

from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import metric

HEAP_BYTES = 64 << 20
"""glibc reserves so much for each heap but the first, at a multiple of it (HEAP_MAX_SIZE)."""


def heaps_beside_the_first(pid: int) -> int:
    """Parts that are used, each with what is reserved after it up to the boundary."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    found = [re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) 0+ 00:00 0 *$", line) for line in lines]
    places = [(int(one[1], 16), int(one[2], 16), one[3]) for one in found if one]
    return sum(
        begin % HEAP_BYTES == 0 and used == "rw-p" and rest == "---p" and end == next_begin and last % HEAP_BYTES == 0
        for (begin, end, used), (next_begin, last, rest) in pairwise(places)
    )


async def test_the_threads_of_a_daemon_share_their_heaps(stub_daemon: DaemonProcess) -> None:
    made = await asyncio.gather(*(stub_daemon.request("POST", "/v1/sessions", {}) for _ in range(6)))
    assert {answer.status for answer in made} == {201}

    assert len(list(Path(f"/proc/{stub_daemon.pid}/task").iterdir())) > 6
    assert heaps_beside_the_first(stub_daemon.pid) <= 1


async def test_it_tells_its_blocks_and_its_heaps(stub_daemon: DaemonProcess) -> None:
    assert await metric(stub_daemon, "cloche_python_blocks") > 100_000
    in_use = await metric(stub_daemon, "cloche_heap_bytes", state="in_use")
    free = await metric(stub_daemon, "cloche_heap_bytes", state="free")
    assert 1 << 20 < in_use < 1 << 30
    assert 0 <= free < 1 << 30
