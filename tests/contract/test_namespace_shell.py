"""What a session made with `machine` has besides, and that its walls and limits are those of any other."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloche.process.cgroup import CgroupKind
from cloche.sandbox.driver import SandboxState
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.host import Host
from cloche.sandbox.spec import Engine

RUN = """
import subprocess
done = subprocess.run({argv!r}, env=config["machine_env"], capture_output=True, text=True, cwd="/workspace")
result = [done.returncode, done.stdout, done.stderr]
"""

KILL_SLEEPS = """
import os, signal
result = 0
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{name}/cmdline", "rb") as file:
            is_one = file.read().startswith(b"sleep\\0")
        if is_one:
            os.kill(int(name), signal.SIGKILL)
            result += 1
    except (FileNotFoundError, ProcessLookupError):
        pass
"""


async def run(inside: Any, *argv: str) -> str:
    """Run a program with the environment that a user's programs have; it must end well."""
    code, output, errors = await inside(RUN.format(argv=argv))
    assert code == 0, errors
    return str(output)


async def shell(inside: Any, script: str) -> str:
    return await run(inside, "/bin/sh", "-c", script)


async def test_the_shell_and_its_tools_run_by_name(machine: Any) -> None:
    assert await shell(machine, "printf 'b\\na\\n' | sort | tr '\\n' ' '; pwd") == "a b /data/workspace\n"
    assert await shell(machine, 'echo "$HOME $SHELL $USER $PATH ${TERM-none}"') == (
        "/data/home /opt/shell/sh cloche /opt/shell:/opt/python/bin none\n"
    )
    assert await shell(machine, "python3 -c 'print(6 * 7)'") == "42\n"


@pytest.mark.parametrize(
    ("first_line", "body"),
    [
        ("#!/bin/sh", "echo it runs"),
        ("#!/usr/bin/env sh", "echo it runs"),
        ("#!/usr/bin/env python3", "print('it runs')"),
    ],
)
async def test_a_script_runs_by_what_its_first_line_names(machine: Any, first_line: str, body: str) -> None:
    text = f"{first_line}\n{body}\n"
    await machine(f"import os; open('/workspace/script', 'w').write({text!r}); os.chmod('/workspace/script', 0o755)")
    assert await run(machine, "./script") == "it runs\n"


async def test_it_is_the_only_thing_a_machine_has_more(machine: Any, namespace_case: Any, make_inside: Any) -> None:
    listing = """
import os
result = []
for directory, names, files in os.walk("/"):
    names[:] = [name for name in names if f"{directory}/{name}".replace("//", "/") not in ("/proc", "/dev")]
    result += [f"{directory}/{name}".replace("//", "/") for name in names + files]
"""
    namespace_case.machine = False
    driver = namespace_case.new_driver()
    plain = await namespace_case.running(driver)
    without = set(await make_inside(driver, plain)(listing))
    await driver.destroy(plain)
    more = set(await machine(listing)) - without
    assert more
    assert {str(Path(path).parent) for path in more} == {places.SHELL}
    kinds = "import os; result = [[e.name, e.is_symlink() and os.readlink(e)] for e in os.scandir('/opt/shell')]"
    # One program, the lock, and links to the program: no path of the host, nothing that leads out.
    assert {(name, to) for name, to in await machine(kinds) if to != "busybox"} == {("busybox", False), ("lock", False)}


async def test_the_shell_cannot_be_written_or_replaced(machine: Any) -> None:
    code = """
import os
result = []
for action in (
    lambda: open("/opt/shell/busybox", "r+b"),
    lambda: open("/opt/shell/new", "w"),
    lambda: os.unlink("/opt/shell/sh"),
    lambda: os.rename("/opt/shell", "/opt/other"),
    lambda: os.symlink("/data/evil", "/usr/bin/ls"),
    lambda: os.chmod("/opt/shell/busybox", 0o4755),
):
    try:
        action()
    except OSError as error:
        result.append(error.errno)
"""
    refusals = await machine(code)
    assert len(refusals) == 6
    assert set(refusals) <= {1, 13, 16, 18, 30}  # EPERM, EACCES, EBUSY, EXDEV, EROFS
    flags = await machine("result = open('/proc/self/mountinfo').read()")
    (line,) = [line for line in flags.splitlines() if line.split()[4] == places.SHELL]
    assert {"ro", "nosuid", "nodev"} <= set(line.split()[5].split(","))


async def test_its_programs_have_the_agents_user_and_no_capability(machine: Any) -> None:
    assert await shell(machine, "id -u; id -un; id -g") == "1000\ncloche\n1000\n"
    status = dict(line.split(":\t", 1) for line in (await shell(machine, "cat /proc/self/status")).splitlines())
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize(
    "script",
    [
        "busybox mount -t tmpfs none /data/tmp",
        "busybox umount /proc",
        "busybox chroot /data",
        "busybox mknod /data/disk b 8 0",
        "busybox ifconfig lo down",
        "busybox ping -c 1 -W 1 127.0.0.1",
        "busybox reboot -f",
        "busybox su root -c id",
        "busybox hostname other",
        "busybox unshare -m true",
        "busybox nsenter -t 1 -m true",
        "busybox dmesg",
    ],
)
async def test_what_would_change_the_machine_is_refused(machine: Any, script: str) -> None:
    code, output, errors = await machine(RUN.format(argv=("/bin/sh", "-c", script)))
    assert code != 0, (output, errors)
    assert (await machine.driver.poll(machine.sandbox)).state is SandboxState.RUNNING


async def test_its_programs_see_no_network_and_no_process_of_others(machine: Any) -> None:
    assert (await shell(machine, "ls /sys 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")) == "lo\n"
    seen = (await shell(machine, "ps -o args; true")).splitlines()[1:]
    # bubblewrap, what stands for the agent, and the two that look.
    assert len(seen) == 4
    assert await shell(machine, "cat /etc/resolv.conf; wc -l < /proc/net/route") == "1\n"


async def test_a_program_can_have_a_terminal(machine: Any) -> None:
    code = """
import os, pty
pid, terminal = pty.fork()
if pid == 0:
    os.execve("/bin/sh", ["sh", "-c", "tty; test -t 0 && test -t 1 && echo a terminal"], config["machine_env"])
result = b""
try:
    while piece := os.read(terminal, 1024):
        result += piece
except OSError:  # EIO: the last process has closed it (pty(7))
    pass
os.close(terminal)
os.waitpid(pid, 0)
result = result.decode().split()
"""
    assert await machine(code) == ["/dev/pts/0", "a", "terminal"]


async def test_a_fork_bomb_of_a_program_hits_the_ceiling_and_harms_nobody_else(machine: Any) -> None:
    script = "n=0; while [ $n -lt 200 ]; do sleep 60 >/dev/null 2>&1 & n=$((n + 1)); done; echo no limit"
    code, output, errors = await machine(RUN.format(argv=("/bin/sh", "-c", script)))
    assert code != 0
    assert "no limit" not in output
    assert "fork" in errors
    usage = (await machine.driver.poll(machine.sandbox)).usage
    if machine.sandbox.group.kind is not CgroupKind.NONE:
        assert usage.processes <= 64
    async with asyncio.timeout(5):  # no program of its own counts them: as long as they are there, none can be started
        while await machine(KILL_SLEEPS) != 0:
            await asyncio.sleep(0.02)
    assert await shell(machine, "echo room again") == "room again\n"


async def test_a_program_that_eats_memory_is_killed_and_the_agent_is_not(machine: Any) -> None:
    if machine.sandbox.group.kind is CgroupKind.NONE:
        pytest.skip("no control groups here; the agent's watchdog limits memory (cloche doctor: limits)")
    hog = "tail /dev/zero"  # keeps the last ten lines, of which the first never ends
    code, _, _ = await machine(RUN.format(argv=("/bin/sh", "-c", hog)))
    assert code != 0
    seen = await machine.driver.poll(machine.sandbox)
    assert seen.state is SandboxState.RUNNING
    assert seen.usage.out_of_memory_kills >= 1
    assert seen.usage.memory_peak_bytes <= 256 << 20


async def test_an_image_in_use_keeps_its_shell(machine: Any, namespace_case: Any, tmp_path: Path) -> None:
    config = namespace_case.config
    shells = await asyncio.to_thread(lambda: set((config.state_dir / "runtime").glob("shell-*")))
    # Another daemon, whose BusyBox is a newer one, looks for what it can remove.
    newer = await asyncio.to_thread(shutil.copy, next(iter(shells)) / "busybox", tmp_path / "busybox")
    other = Host(replace(config, busybox=str(newer)))
    ground = await asyncio.to_thread(other.ground, Engine.SHELL)
    assert ground.shell is not None
    assert ground.shell.path not in shells
    assert await asyncio.to_thread(lambda: all(path.is_dir() for path in shells))
    assert await shell(machine, "echo still here") == "still here\n"


async def test_a_machine_on_a_host_without_busybox_runs_what_it_has(
    namespace_case: Any, make_inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloche.sandbox.namespace import host

    monkeypatch.setattr(host, "find_busybox", lambda name: None)
    namespace_case.machine = True
    driver = namespace_case.new_driver()
    sandbox = await namespace_case.running(driver)
    inside = make_inside(driver, sandbox)
    assert await inside("import os; result = os.listdir('/opt/shell')") == []
    assert await run(inside, places.PYTHON, "-c", "import os; print(os.environ.get('SHELL'))") == "None\n"
    await driver.destroy(sandbox)
