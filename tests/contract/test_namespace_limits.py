"""Limits that are really in force, tried out from inside."""

import asyncio
import os
from contextlib import nullcontext
from typing import Any

import pytest

from cloche.errors import InternalError
from cloche.process import oom
from cloche.process.cgroup import CgroupKind
from cloche.sandbox.driver import SandboxState
from cloche.sandbox.spec import Limits

MEBIBYTE = 1 << 20
BOMB = """
import os, signal
children = []
try:
    for _ in range(500):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        children.append(pid)
    result = "no limit"
except BlockingIOError:
    result = len(children)
for pid in children:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
"""
HOLDS = """
import os, signal
ready, tell = os.pipe()
result = os.fork()
if result == 0:
    held = bytearray(%d)
    os.write(tell, b"x")
    signal.pause()
os.read(ready, 1)
"""


@pytest.fixture
def needs_groups(inside: Any) -> None:
    if inside.sandbox.group.kind is CgroupKind.NONE:
        pytest.skip("no control groups here; the agent's watchdog limits memory (cloche doctor: limits)")


async def test_a_memory_hog_is_killed_and_counted(namespace_case: Any, inside: Any, needs_groups: None) -> None:
    hog = """
import subprocess, sys
result = subprocess.run([sys.executable, "-c", "x = bytearray(400 << 20)"]).returncode
"""
    assert await inside(hog) == -9
    seen = await inside.driver.poll(inside.sandbox)
    assert seen.state is SandboxState.RUNNING
    assert seen.usage.out_of_memory_kills >= 1
    assert seen.usage.memory_peak_bytes <= 256 * MEBIBYTE


async def test_the_agent_is_told_what_memory_the_kernel_gives_it(inside: Any, needs_groups: None) -> None:
    assert await inside("result = config['memory_limit_bytes']") == 256 * MEBIBYTE
    assert await inside("result = config['watchdog']") is None


async def test_an_agent_that_is_killed_for_memory_is_told_apart(
    namespace_case: Any, inside: Any, needs_groups: None
) -> None:
    with pytest.raises(Exception, match=r"Expecting value|reset|closed"):
        await inside("x = bytearray(400 << 20)")
    await namespace_case.until_dead(inside.sandbox)
    seen = await inside.driver.poll(inside.sandbox)
    assert (seen.state, seen.exit_code, seen.reason) == (SandboxState.EXITED, 137, "out_of_memory")


async def test_the_kernel_takes_a_sandbox_before_the_daemon_and_the_sandbox_cannot_change_that(inside: Any) -> None:
    code = """
with open("/proc/self/oom_score_adj") as file:
    own = int(file.read())
refused = 0
for score in (-1, -900, -1000):
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(score))
    except PermissionError:
        refused += 1
result = [own, refused]
"""
    own, refused = await inside(code)
    assert own == oom.SANDBOX > (await asyncio.to_thread(oom.get_score, os.getpid()) or 0)
    assert refused == 3


async def test_a_fork_bomb_hits_the_ceiling(inside: Any) -> None:
    started = await inside(BOMB)
    assert 32 < started < 64


async def test_a_fork_bomb_that_will_not_stop_is_ended_by_stop(inside: Any, namespace_case: Any) -> None:
    bomb = """
import os
if os.fork() == 0:
    while True:
        try:
            os.fork()
        except OSError:
            pass
result = True
"""
    assert await inside(bomb)
    async with asyncio.timeout(20):
        await inside.driver.stop(inside.sandbox, grace_s=0)
    assert (await inside.driver.poll(inside.sandbox)).state is SandboxState.EXITED
    await inside.driver.destroy(inside.sandbox)
    await namespace_case.until_no_trace()


async def test_a_process_that_ignores_term_is_killed_after_the_grace(inside: Any) -> None:
    # Handlers can be set in the main thread only, which waits in accept(2); a child does as well.
    child = """
import os, signal
r, w = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(w, b"x")
    signal.pause()
os.read(r, 1)
result = True
"""
    assert await inside(child)
    await inside.driver.stop(inside.sandbox, grace_s=0.2)
    assert (await inside.driver.poll(inside.sandbox)).state is SandboxState.EXITED


async def test_the_writable_file_system_has_its_size(inside: Any) -> None:
    fill = """
import errno, os
written = 0
try:
    with open("/data/fill", "wb") as file:
        while written < 100 << 20:
            written += file.write(b"x" * (1 << 20))
            file.flush()
except OSError as error:
    result = [error.errno == errno.ENOSPC, written]
os.unlink("/data/fill")
"""
    full, written = await inside(fill)
    assert full
    assert 28 * MEBIBYTE <= written <= 32 * MEBIBYTE


async def test_open_files_are_limited_and_cores_are_not_written(inside: Any) -> None:
    code = "import resource as r; result = [r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE)]"
    assert await inside(code) == [[512, 512], [0, 0]]


async def test_usage_is_what_the_kernel_counted(inside: Any, needs_groups: None) -> None:
    await inside("sum(range(3_000_000))")
    usage = (await inside.driver.poll(inside.sandbox)).usage
    assert usage.processes >= 2
    assert usage.cpu_seconds > 0.01
    assert MEBIBYTE < usage.memory_bytes <= usage.memory_peak_bytes < 256 * MEBIBYTE


async def test_processor_time_has_its_quota(namespace_case: Any, make_inside: Any, with_limits: Any) -> None:
    with_limits(cpu_cores=0.25)
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    if sandbox.group.kind is CgroupKind.NONE:
        await driver.destroy(sandbox)
        pytest.skip("no control groups here (cloche doctor: limits)")
    code = """
import time
begin, used = time.monotonic(), time.process_time()
while time.monotonic() - begin < 1:
    pass
result = time.process_time() - used
"""
    spent = await make_inside(driver, sandbox)(code)
    await driver.destroy(sandbox)
    # A quarter of one second, and what one period of 100 ms may be over.
    assert spent < 0.5


async def test_without_control_groups_the_agent_gets_a_watchdog(
    namespace_case: Any, make_inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloche.process import cgroup_none
    from cloche.sandbox.namespace import host

    monkeypatch.setattr(host, "detect", lambda: cgroup_none.NoCgroupRoot("none in this test"))
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    inside = make_inside(driver, sandbox)
    watchdog = await inside("result = config['watchdog']")
    by_kernel = await inside("result = config['memory_limit_bytes']")
    processes = await inside("import resource; result = resource.getrlimit(resource.RLIMIT_NPROC)")
    await driver.destroy(sandbox)
    assert (watchdog["memory_bytes"], watchdog["processes"]) == (256 * MEBIBYTE, 64)
    assert by_kernel == 0
    assert processes == [64, 64]
    await namespace_case.until_no_trace()


async def test_limits_that_come_later_are_in_force(inside: Any, needs_groups: None) -> None:
    limits = Limits(memory_bytes=256 * MEBIBYTE, processes=40, cpu_cores=0.5)
    await inside.driver.limit(inside.sandbox, limits)
    assert await inside(BOMB) < 40


async def test_a_limit_below_what_is_used_is_refused_while_it_stands_still_or_costs_what_is_above(
    inside: Any, needs_groups: None
) -> None:
    child = await inside(HOLDS % (120 << 20))
    await inside.driver.freeze(inside.sandbox)
    limits = Limits(memory_bytes=64 * MEBIBYTE, processes=40, cpu_cores=0.5)
    refused = inside.sandbox.group.kind is CgroupKind.V1
    with pytest.raises(InternalError) if refused else nullcontext():
        await inside.driver.limit(inside.sandbox, limits)
    seen = await inside.driver.poll(inside.sandbox)
    assert (seen.state, seen.is_frozen) == (SandboxState.RUNNING, True)
    await inside.driver.thaw(inside.sandbox)
    assert await inside(f"import os; result = os.waitpid({child}, os.WNOHANG)[0]") == (0 if refused else child)
    assert (await inside.driver.poll(inside.sandbox)).usage.out_of_memory_kills == (0 if refused else 1)
    if refused:
        assert await inside(BOMB) > 40, "of limits that are refused none is in force"
