import asyncio
import os
import subprocess

import pytest

from cloche.process.output import SealedOutput
from cloche.process.spawn import Child, spawn


async def ended(child: Child) -> int | None:
    assert await child.handle.wait(5)
    code = child.exit_code()
    child.handle.close()
    return code


async def test_a_child_has_only_the_descriptors_and_the_environment_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOCHE_STATE_KEY", "canary")
    output, leaked = SealedOutput.create(), os.dup(0)
    os.set_inheritable(leaked, True)
    child = await asyncio.to_thread(spawn, ["/bin/sh", "-c", "ls /proc/self/fd; env"], env={"A": "b"}, stdout=output.fd)
    assert await ended(child) == 0
    words = output.read().decode().split()
    os.close(leaked)
    output.close()
    # 3 is what ls itself opened to look.
    assert words[:4] == ["0", "1", "2", "3"]
    assert "A=b" in words
    assert "canary" not in " ".join(words)


async def test_an_exit_code_and_a_signal_are_told_apart() -> None:
    assert await ended(await asyncio.to_thread(spawn, ["/bin/sh", "-c", "exit 7"], env={})) == 7
    assert await ended(await asyncio.to_thread(spawn, ["/bin/sh", "-c", "kill -9 $$"], env={})) == -9


async def test_a_child_that_runs_has_no_exit_code() -> None:
    read, write = os.pipe()
    child = await asyncio.to_thread(spawn, ["/bin/cat"], env={}, stdin=read)
    assert child.exit_code() is None
    assert not child.is_reaped
    os.close(read)
    os.close(write)
    assert await ended(child) == 0
    assert child.is_reaped


def test_a_program_that_is_not_there_is_an_oserror() -> None:
    with pytest.raises(FileNotFoundError):
        spawn(["/nonexistent"], env={})


async def test_a_passed_descriptor_keeps_its_number() -> None:
    read, write = os.pipe()
    child = await asyncio.to_thread(
        spawn,
        ["/bin/sh", "-c", f"echo hello >/proc/self/fd/{write}"],
        env={},
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    assert await ended(child) == 0
    assert os.read(read, 100) == b"hello\n"
    os.close(read)
