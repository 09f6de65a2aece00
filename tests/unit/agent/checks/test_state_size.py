import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.checks.state_size import MAX_ENTRIES, state_size_bytes
from cloche.agent.loop import Loop


def measure(path: Path, deadline: float = math.inf, max_entries: int = MAX_ENTRIES) -> int:
    loop, found = Loop(lambda _name, _error: None), []

    async def main() -> None:
        found.append(await state_size_bytes(loop, str(path), deadline, max_entries))

    loop.run(main())
    return found[0]


def test_plain_files_count_at_any_depth_and_links_do_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 10_000)
    state = tmp_path / "state"
    (state / "a" / "b").mkdir(parents=True)
    (state / "one").write_bytes(b"1")
    (state / "a" / "two").write_bytes(b"22")
    (state / "a" / "b" / "three").write_bytes(b"333")
    (state / "file link").symlink_to(outside / "large")
    (state / "directory link").symlink_to(outside)
    (state / "a" / "loop").symlink_to(state)
    os.mkfifo(state / "fifo")
    assert measure(state) == 6


def test_a_plain_file_counts_and_what_is_not_there_or_a_link_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert measure(tmp_path / "file") == 5
    assert measure(tmp_path / "link") == 0
    assert measure(tmp_path / "nowhere") == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.integers(0, 30), st.integers(1, 30))
def test_no_more_entries_are_looked_at_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, files: int, most: int
) -> None:
    state = tmp_path_factory.mktemp("state")
    for number in range(files):
        (state / str(number)).write_bytes(b"x")
    assert measure(state, max_entries=most) == min(files, most)


def test_a_large_state_gives_others_their_turns_and_ends_at_the_deadline(tmp_path: Path) -> None:
    for number in range(700):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measure(tmp_path, deadline=time.monotonic()) == 256
    loop, turns, sizes = Loop(lambda _name, _error: None), [], []

    async def count() -> None:
        sizes.append(await state_size_bytes(loop, str(tmp_path), math.inf))

    async def main() -> None:
        task = loop.spawn(count(), "count")
        while not task.done.is_set():
            turns.append(1)
            await loop.sleep(0)

    loop.run(main())
    assert sizes == [700]
    assert len(turns) >= 3


def test_one_that_is_given_up_half_way_leaves_no_descriptor_open(tmp_path: Path) -> None:
    for number in range(700):
        (tmp_path / str(number)).write_bytes(b"x")
    loop = Loop(lambda _name, _error: None)

    async def count() -> None:
        await state_size_bytes(loop, str(tmp_path), math.inf)

    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        task = loop.spawn(count(), "count")
        await loop.sleep(0)
        await loop.stop(task)
        assert len(os.listdir("/proc/self/fd")) == before

    loop.run(main())
