"""What can be missing, forbidden, full or broken when a sandbox starts; each has its own reason."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloche.errors import StartError
from cloche.sandbox.driver import SandboxState
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.namespace.uid_range import UidRange
from cloche.sandbox.spec import Engine
from cloche.testing.driver_case import DriverCase


async def refusal(case: Any, config: NamespaceConfig) -> str:
    """Try to make and start a sandbox; return the reason why it failed. Nothing of it may be left."""
    driver = NamespaceDriver(config)
    with pytest.raises(StartError) as raised:
        sandbox = await driver.create(case.new_spec())
        try:
            await driver.start(sandbox)
        finally:
            # A failed start leaves nothing running, even before it is destroyed.
            assert (await driver.poll(sandbox)).state is SandboxState.EXITED
            await driver.destroy(sandbox)
    await case.until_no_trace()
    assert str(config.run_dir) not in raised.value.detail
    return raised.value.reason


async def test_bubblewrap_missing(namespace_case: Any) -> None:
    config = replace(namespace_case.config, bwrap="/nonexistent/bwrap")
    assert await refusal(namespace_case, config) == "bubblewrap_missing"


async def test_chromium_missing(namespace_case: Any, tmp_path: Path) -> None:
    config = replace(namespace_case.config, engines={Engine.SHELL: tmp_path / "absent"})
    assert await refusal(namespace_case, config) == "chromium_missing"


async def test_an_engine_that_was_never_configured_is_missing(namespace_case: Any) -> None:
    assert await refusal(namespace_case, replace(namespace_case.config, engines={})) == "chromium_missing"


async def test_chromium_not_executable(namespace_case: Any, ground: Path) -> None:
    browser = ground / "browser" / "not-executable"
    await asyncio.to_thread(browser.write_text, "")
    config = replace(namespace_case.config, engines={Engine.SHELL: browser})
    reason = await refusal(namespace_case, config)
    await asyncio.to_thread(browser.unlink)
    assert reason == "chromium_not_executable"


@pytest.fixture
def fake_bwrap(tmp_path: Path) -> Iterator[Any]:
    """Make a program that stands in for bubblewrap and fails as the real one does."""
    directory = tmp_path / "bin"
    directory.mkdir()

    def make(script: str) -> str:
        path = Path("/tmp") / f"fake-bwrap-{os.getpid()}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    yield make
    (Path("/tmp") / f"fake-bwrap-{os.getpid()}").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "message",
    [
        "bwrap: No permissions to create a new namespace, likely because the kernel does not allow it",
        "bwrap: Creating new namespace failed: Operation not permitted",
        "bwrap: setting up uid map: Permission denied",
        "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
    ],
)
async def test_what_bubblewrap_says_of_forbidden_namespaces_is_understood(
    namespace_case: Any, fake_bwrap: Any, message: str
) -> None:
    program = await asyncio.to_thread(fake_bwrap, f"echo '{message}' >&2; exit 1")
    config = replace(namespace_case.config, bwrap=program)
    assert await refusal(namespace_case, config) == "user_namespaces_forbidden"


async def test_user_namespaces_really_forbidden(namespace_case: Any, fake_bwrap: Any) -> None:
    # In a user namespace whose own limit of user namespaces is zero, the real bubblewrap meets the real refusal.
    real = shutil.which("bwrap")
    inner = f'echo 0 > /proc/sys/user/max_user_namespaces; exec {real} "$@"'
    script = f"""exec unshare --user --map-root-user /bin/sh -c '{inner}' sh "$@" """
    program = await asyncio.to_thread(fake_bwrap, script)
    config = replace(namespace_case.config, bwrap=program)
    assert await refusal(namespace_case, config) == "user_namespaces_forbidden"


async def test_a_bubblewrap_that_dies_has_its_output_kept_from_the_user(namespace_case: Any, fake_bwrap: Any) -> None:
    program = await asyncio.to_thread(fake_bwrap, "echo 'bwrap: Cannot mount /secret/path' >&2; exit 1")
    driver = NamespaceDriver(replace(namespace_case.config, bwrap=program))
    sandbox = await driver.create(namespace_case.new_spec())
    with pytest.raises(StartError) as raised:
        await driver.start(sandbox)
    await driver.destroy(sandbox)
    assert raised.value.reason == "sandbox_died_at_start"
    assert "secret" not in str(raised.value)


async def test_a_bubblewrap_that_hangs_is_given_up_and_killed(namespace_case: Any, fake_bwrap: Any) -> None:
    program = await asyncio.to_thread(fake_bwrap, "exec sleep 600")
    config = replace(namespace_case.config, bwrap=program, start_timeout_s=0.2)
    assert await refusal(namespace_case, config) == "sandbox_died_at_start"


async def test_an_agent_that_cannot_be_executed_ends_the_sandbox(namespace_case: Any) -> None:
    driver = NamespaceDriver(replace(namespace_case.config, agent_argv=("/opt/nothing",)))
    sandbox = await driver.create(namespace_case.new_spec())
    try:
        await driver.start(sandbox)
        await namespace_case.until_dead(sandbox)
        seen = await driver.poll(sandbox)
    finally:
        await driver.destroy(sandbox)
    assert (seen.state, seen.exit_code, seen.reason) == (SandboxState.EXITED, 1, "exited")


@pytest.fixture
def tiny_run_dir(namespace_config: NamespaceConfig) -> Iterator[NamespaceConfig]:
    """A run directory on a file system of two pages."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    run_dir = namespace_config.run_dir / "tiny"
    run_dir.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=711", "none", run_dir], check=True)
    (run_dir / "ballast").write_bytes(b"x" * 8192)
    yield replace(namespace_config, run_dir=run_dir)
    subprocess.run(["umount", run_dir], check=True)


async def test_a_full_run_directory(tiny_run_dir: NamespaceConfig, namespace_case: Any) -> None:
    assert await refusal(namespace_case, tiny_run_dir) == "run_dir_full"


async def test_a_run_directory_that_cannot_be_written(namespace_case: Any) -> None:
    assert (
        await refusal(namespace_case, replace(namespace_case.config, run_dir=Path("/proc/cloche")))
        == "run_dir_unwritable"
    )


async def test_a_run_directory_whose_path_no_socket_can_have(namespace_case: Any) -> None:
    run_dir = namespace_case.config.run_dir / ("long" * 20)
    assert await refusal(namespace_case, replace(namespace_case.config, run_dir=run_dir)) == "run_dir_path_too_long"


def needs_own_uids() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: without it there are no uids to hand out (cloche doctor: own_uids)")


async def test_a_uid_range_that_is_used_up(namespace_case: Any) -> None:
    needs_own_uids()
    config = replace(namespace_case.config, uid_range=replace(namespace_case.config.uid_range, count=2))
    driver = NamespaceDriver(config)
    sandboxes = [await driver.create(namespace_case.new_spec()) for _ in range(2)]
    with pytest.raises(StartError) as raised:
        await driver.create(namespace_case.new_spec())
    await driver.destroy(sandboxes[0])
    again = await driver.create(namespace_case.new_spec())
    assert again.peer_uid == sandboxes[0].peer_uid
    for sandbox in (*sandboxes, again):
        await driver.destroy(sandbox)
    assert raised.value.reason == "uid_range_exhausted"


async def test_a_uid_that_an_earlier_daemon_gave_out_stays_taken(namespace_case: Any) -> None:
    needs_own_uids()
    config = replace(namespace_case.config, uid_range=replace(namespace_case.config.uid_range, count=2))
    before, after = NamespaceDriver(config), NamespaceDriver(config)
    first = await before.create(namespace_case.new_spec())
    second = await after.create(namespace_case.new_spec())
    assert first.peer_uid != second.peer_uid
    await before.destroy(first)
    await after.destroy(second)


async def test_a_uid_range_that_belongs_to_users_is_refused(namespace_case: Any) -> None:
    needs_own_uids()
    config = replace(namespace_case.config, uid_range=UidRange(first=0, count=1000))
    assert await refusal(namespace_case, config) == "uid_range_taken"


async def test_a_directory_that_the_sandbox_cannot_walk_through_is_named_in_the_log_only(
    namespace_case: Any, tmp_path: Path
) -> None:
    needs_own_uids()
    closed = tmp_path / "closed"
    await asyncio.to_thread(lambda: (closed.mkdir(mode=0o700), closed.chmod(0o700)))
    assert await refusal(namespace_case, replace(namespace_case.config, state_dir=closed)) == "path_unreachable"


async def test_what_a_daemon_killed_between_spawn_and_record_leaves_is_found_and_ended(namespace_case: Any) -> None:
    # Hold the start where a kill -9 would hurt most: bubblewrap runs, nothing but its command line tells whose it is.
    driver = namespace_case.new_driver()
    sandbox = await driver.create(namespace_case.new_spec())
    before = asyncio.all_tasks()
    held = driver.start(sandbox)
    assert held.send(None) is not None
    # The spawning goes on in a thread of its own; what would come after it never does.
    await asyncio.wait(asyncio.all_tasks() - before, timeout=5)
    assert sandbox.processes.outer is not None
    assert sandbox.processes.inner is None
    successor = namespace_case.new_driver()
    (description,) = await successor.leftovers()
    adopted = await successor.adopt(description)
    await successor.destroy(adopted)
    assert await sandbox.processes.outer.wait(5)
    held.close()
    await driver.destroy(sandbox)
    await namespace_case.until_no_trace()


async def test_a_hundred_sandboxes_leave_no_descriptor_behind(namespace_case: DriverCase) -> None:
    driver = namespace_case.new_driver()
    for _ in range(100):
        sandbox = await driver.create(namespace_case.new_spec())
        await driver.start(sandbox)
        await driver.destroy(sandbox)
    await namespace_case.until_no_trace()
