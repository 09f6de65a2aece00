"""The handshake, with programs that stand in for bubblewrap's side of it."""

import asyncio
import os
import sys
from collections.abc import Callable

from cloche.concurrency.tasks import spawn
from cloche.sandbox.namespace.launch import Launch, launch

Argv = Callable[[int, int, int], list[str]]


def python(code: str) -> Argv:
    """A child that gets the three descriptors as its arguments."""
    return lambda *fds: [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import os, sys\ni, b, c = map(int, sys.argv[1:])\n{code}",
        *map(str, fds),
    ]


async def launched(code: str, config: bytes = b"") -> Launch:
    return await asyncio.to_thread(launch, python(code), config, ())


async def end(launch: Launch) -> int | None:
    launch.close()
    launch.child.handle.send(9)  # type: ignore[arg-type]
    assert await launch.child.handle.wait(5)
    code = launch.child.exit_code()
    launch.child.handle.close()
    launch.output.close()
    return code


async def test_the_pid_is_read_from_the_info_descriptor_in_pieces() -> None:
    started = await launched("""os.write(i, b'{"child-'); os.write(i, b'pid": 42}'); os.close(i); os.read(b, 1)""")
    assert await started.child_pid(5) == 42
    await end(started)


async def test_a_child_that_dies_or_babbles_has_no_pid() -> None:
    for code in ("sys.exit(1)", "os.write(i, b'no json')", "os.write(i, b'[]')", "os.write(i, b'x' * 10000)"):
        started = await launched(code)
        assert await started.child_pid(5) is None
        await end(started)


async def test_a_child_that_says_nothing_has_no_pid_in_time() -> None:
    started = await launched("os.read(b, 1)")
    assert await started.child_pid(0.05) is None
    await end(started)


async def test_release_returns_when_the_byte_has_been_taken_and_not_before() -> None:
    gate_read, gate_write = os.pipe()
    os.set_inheritable(gate_read, True)
    code = f"os.read({gate_read}, 1); os.read(b, 1); os.read({gate_read}, 1)"
    argv = python(code)
    started = await asyncio.to_thread(launch, argv, b"", (gate_read,))
    releasing = spawn(started.release(5), name="release")
    await asyncio.wait([releasing], timeout=0.05)
    assert not releasing.done()
    os.write(gate_write, b"x")
    assert await releasing
    os.close(gate_read)
    os.close(gate_write)
    await end(started)


async def test_a_daemon_that_vanishes_does_not_let_the_sandbox_go() -> None:
    started = await launched("os.read(b, 1)")
    os.close(started.block_fd)
    started.block_fd = os.dup(0)
    # With a plain pipe the child would see an end of file now, and end.
    assert not await started.child.handle.wait(0.2)
    await end(started)


async def test_the_configuration_comes_in_memory_and_output_is_kept() -> None:
    started = await launched("sys.stderr.write(os.read(c, 100).decode())", b"the configuration")
    assert await started.child.handle.wait(5)
    assert started.output.tail() == "the configuration"
    assert await end(started) == 0
